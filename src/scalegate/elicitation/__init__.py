"""Drawing a capability out: fine-tuning of a copy, metered. `finetune` needs torch."""
