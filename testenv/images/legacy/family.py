"""Which family of INGInious' images this one behaves as (PROTOCOL.md 5.2)."""
import os

NAME = os.environ.get("LEGACY_FAMILY", "F4b")

# Student containers may be on another kernel: frames are relayed, a marker file says
# that they are not, and the shim is told its runtime.
RELAYS = NAME in ("F3b", "F4a")
CHECKS_OOM_GROUP = NAME in ("F4a", "F4b")

MARKER = "/.__input/__shared_kernel"
WORKER = 4242
