"""The certificate authority: roots and leaves with Consul's names, SPIFFE ids and extensions.

What may enter: pure functions from a key, a serial number, a time and a request to a certificate; the settings of the
CA and what is wrong with them; providers, which keep keys here (`built_in`) or have them kept elsewhere; which root
follows which (`succession`). What may not: the store, clocks. Only `keys.new_key` asks the machine for chance, and only
the provider of another system opens sockets. A private key or token is in no error, answer or log.
"""

from lictor_server.ca.keys import PrivateKey, key_pem, load_key, new_key, signing_key_id
from lictor_server.ca.leaves import LeafOrder, SignedLeaf, read_csr, sign_leaf
from lictor_server.ca.provider import Established, LeafTerms, Provider
from lictor_server.ca.providers import check_settings, provider_of
from lictor_server.ca.roots import adopt_root, make_root
from lictor_server.ca.settings import DEFAULT_CONFIG, PROVIDER, VAULT, CASettings, read_settings

__all__ = [
    "DEFAULT_CONFIG",
    "PROVIDER",
    "VAULT",
    "CASettings",
    "Established",
    "LeafOrder",
    "LeafTerms",
    "PrivateKey",
    "Provider",
    "SignedLeaf",
    "adopt_root",
    "check_settings",
    "key_pem",
    "load_key",
    "make_root",
    "new_key",
    "provider_of",
    "read_csr",
    "read_settings",
    "sign_leaf",
    "signing_key_id",
]
