# A server that keeps its data on disk: lictor agent -config-file=server.hcl
datacenter = "dc1"
node_name  = "alpha"
data_dir   = "/var/lib/lictor"
log_json   = true

server    = true
bootstrap = true

bind_addr   = "127.0.0.1"
client_addr = "127.0.0.1"

ports {
  http = 8500
  dns  = 8600
  grpc = 8502
}

connect {
  enabled = true
  ca_config {
    leaf_cert_ttl = "72h"
  }
}
