# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

locals {
  # A proof is an open of /etc/shadow by a process whose name begins with fb-probe-:
  # docs/logging.md. A text alert has no rule.
  is_proof = {
    json = "data.rule = 'Read sensitive file untrusted' and logContent = '*fb-probe-* probe-open /etc/shadow*'"
    text = "logContent = '*Sensitive file opened for reading*fb-probe-* probe-open /etc/shadow*'"
  }
}

output "log_group_id" {
  description = "OCID of the log group."
  value       = oci_logging_log_group.falco.id
}

output "alert_log_id" {
  description = "OCID of the log that the alerts go to."
  value       = oci_logging_log.alerts.id
}

output "report_log_id" {
  description = "OCID of the log that the drift reports go to."
  value       = oci_logging_log.reports.id
}

output "alert_search" {
  description = "Query for Logging Search that shows the alerts, without those about falco-bootstrap's own proofs."
  value       = "search \"${var.compartment_id}/${oci_logging_log_group.falco.id}/${oci_logging_log.alerts.id}\" | where not (${local.is_proof[var.log.alert_format]}) | sort by datetime desc"
}

output "proof_search" {
  description = "Query for Logging Search that shows the alerts about falco-bootstrap's own proofs: the nodes whose alerts arrive."
  value       = "search \"${var.compartment_id}/${oci_logging_log_group.falco.id}/${oci_logging_log.alerts.id}\" | where ${local.is_proof[var.log.alert_format]} | sort by datetime desc"
}

output "drift_search" {
  description = "Query for Logging Search that finds every node that drifted or could not be converged."
  value       = "search \"${var.compartment_id}/${oci_logging_log_group.falco.id}/${oci_logging_log.reports.id}\" | where data.result = 'pending' or data.result = 'changed' or data.result = 'failed' or data.result = 'unknown' | sort by datetime desc"
}
