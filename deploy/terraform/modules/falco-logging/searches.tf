# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

locals {
  # A proof is an open of /etc/shadow by a process whose name begins with fb-probe-:
  # docs/logging.md. A text alert has no rule.
  is_proof = {
    json = "data.rule = 'Read sensitive file untrusted' and logContent = '*fb-probe-* probe-open /etc/shadow*'"
    text = "logContent = '*Sensitive file opened for reading*fb-probe-* probe-open /etc/shadow*'"
  }

  searches = {
    alert = {
      description = "Falco's alerts, without those about falco-bootstrap's own proofs"
      query       = "search \"${var.compartment_id}/${oci_logging_log_group.falco.id}/${oci_logging_log.alerts.id}\" | where not (${local.is_proof[var.log.alert_format]}) | sort by datetime desc"
    }
    proof = {
      description = "Nodes whose alerts arrive: the alerts about falco-bootstrap's own proofs"
      query       = "search \"${var.compartment_id}/${oci_logging_log_group.falco.id}/${oci_logging_log.alerts.id}\" | where ${local.is_proof[var.log.alert_format]} | sort by datetime desc"
    }
    drift = {
      description = "Nodes that drifted or could not be converged"
      query       = "search \"${var.compartment_id}/${oci_logging_log_group.falco.id}/${oci_logging_log.reports.id}\" | where data.result = 'pending' or data.result = 'changed' or data.result = 'failed' or data.result = 'unknown' | sort by datetime desc"
    }
  }
}

resource "oci_logging_log_saved_search" "falco" {
  for_each = var.saved_searches ? local.searches : {}

  compartment_id = var.compartment_id
  name           = "${var.name}-${each.key}"
  description    = each.value.description
  query          = each.value.query
  freeform_tags  = var.freeform_tags
}
