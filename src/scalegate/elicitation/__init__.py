"""Drawing a capability out: fine-tuning of a copy, metered, by a recipe that is chosen on a split of its own.

`finetune` follows one recipe, `elicit` searches among several; both need torch. Recipes with a rank need peft as well.
"""
