# An agent on a host that runs services, with checks that run commands from files only:
# lictor agent -config-file=client.hcl
datacenter = "dc1"
node_name  = "beta"
data_dir   = "/var/lib/lictor"
bind_addr  = "127.0.0.1"

enable_local_script_checks = true
leave_on_terminate         = true

node_meta {
  rack = "7"
}

check {
  id       = "disk"
  name     = "room on the disk"
  args     = ["/bin/sh", "-c", "df / | awk 'NR == 2 && $5 + 0 > 90 { exit 1 }'"]
  interval = "1m"
  timeout  = "10s"
}
