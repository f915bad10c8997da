# What `lictor agent -dev` says, as a file: lictor agent -config-file=dev.hcl -dev
# Everything in memory, for this machine only.
log_level = "info"

dns_config {
  # Answers may be kept for five seconds, those for web not at all.
  service_ttl {
    "*"   = "5s"
    "web" = "0s"
  }
}

service {
  name = "web"
  port = 8080
  tags = ["v1"]

  check {
    http     = "http://127.0.0.1:8080/"
    interval = "10s"
    timeout  = "2s"
  }
}
