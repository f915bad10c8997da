"""The certificate authority: roots and leaves with Consul's names, SPIFFE ids and extensions.

What may enter: pure functions from a key, a serial number, a time and a request to a certificate; the settings of the
CA and what is wrong with them. What may not: sockets, files, the store, clocks. Only `keys.new_key` asks the machine
for chance. A private key is in no error, answer or log.
"""

from lictor_server.ca.keys import PrivateKey, key_pem, load_key, new_key, signing_key_id
from lictor_server.ca.leaves import LeafOrder, SignedLeaf, read_csr, sign_leaf
from lictor_server.ca.roots import adopt_root, make_root
from lictor_server.ca.settings import DEFAULT_CONFIG, PROVIDER, CASettings, read_settings

__all__ = [
    "DEFAULT_CONFIG",
    "PROVIDER",
    "CASettings",
    "LeafOrder",
    "PrivateKey",
    "SignedLeaf",
    "adopt_root",
    "key_pem",
    "load_key",
    "make_root",
    "new_key",
    "read_csr",
    "read_settings",
    "sign_leaf",
    "signing_key_id",
]
