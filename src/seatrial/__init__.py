"""Sea Trial: end-to-end verification and chaos framework for Kubernetes traffic."""
