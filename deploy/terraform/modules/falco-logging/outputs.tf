# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

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
  value       = local.searches.alert.query
}

output "proof_search" {
  description = "Query for Logging Search that shows the alerts about falco-bootstrap's own proofs: the nodes whose alerts arrive."
  value       = local.searches.proof.query
}

output "drift_search" {
  description = "Query for Logging Search that finds every node that drifted or could not be converged."
  value       = local.searches.drift.query
}

output "archive_bucket" {
  description = "Name of the bucket with copies of both logs; null without one."
  value       = one(oci_objectstorage_bucket.archive[*].name)
}
