# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

output "alert_search" {
  description = "Query for Logging Search that shows the alerts, without those about falco-bootstrap's own proofs."
  value       = module.falco_logging.alert_search
}

output "proof_search" {
  description = "Query for Logging Search that shows the alerts about falco-bootstrap's own proofs."
  value       = module.falco_logging.proof_search
}

output "drift_search" {
  description = "Query for Logging Search that finds drifted nodes."
  value       = module.falco_logging.drift_search
}

output "ssh_to_operator" {
  description = "Command that connects to the operator host, which has kubectl. Empty with a public endpoint."
  value       = var.public_endpoint ? "" : module.oke.ssh_to_operator
}
