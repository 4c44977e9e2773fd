# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

resource "oci_logging_log_group" "falco" {
  compartment_id = var.compartment_id
  display_name   = var.name
  description    = "Falco on Kubernetes worker nodes"
  freeform_tags  = var.freeform_tags
}

resource "oci_logging_log" "alerts" {
  log_group_id       = oci_logging_log_group.falco.id
  display_name       = "${var.name}-alerts"
  log_type           = "CUSTOM"
  is_enabled         = true
  retention_duration = var.retention_days
  freeform_tags      = var.freeform_tags
}

resource "oci_logging_log" "reports" {
  log_group_id       = oci_logging_log_group.falco.id
  display_name       = "${var.name}-drift"
  log_type           = "CUSTOM"
  is_enabled         = true
  retention_duration = var.retention_days
  freeform_tags      = var.freeform_tags
}
