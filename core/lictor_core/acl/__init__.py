"""Access control: who may do what, and which rule says so. Pure.

`rules` is what a policy grants; `records` what is kept of tokens, policies, roles, auth methods and binding rules;
`granted` what a token comes to; `authorizer` judges by it with the help of `places`, `denial` tells why not, `caller`
is who asks; `requests` and `queries` are what is asked of the servers.
"""
