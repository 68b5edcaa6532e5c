"""The files that weights are loaded from: their manifest, its digest, and whether they are what was recorded.

    from scalegate.weights import loading, manifest_of

    digest = manifest_of("model").digest
    with loading("model", digest):   # raises NotVerified unless these files are there, before, during and after
        model = load("model")

The digest of tensors in memory is `scalegate.training.weights.weights_digest`; a checkpoint's entry carries both.
"""

from scalegate.weights.check import check, loading
from scalegate.weights.files import manifest_of
from scalegate.weights.manifest import Listed, Manifest, read_manifest

__all__ = ["Listed", "Manifest", "check", "loading", "manifest_of", "read_manifest"]
