# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

locals {
  compartment_rule = "ALL {instance.compartment.id = '${var.compartment_id}'}"
  group_id         = var.dynamic_group == null ? oci_identity_dynamic_group.nodes[0].id : var.dynamic_group.id
  group_name       = var.dynamic_group == null ? oci_identity_dynamic_group.nodes[0].name : var.dynamic_group.name

  # In a tenancy with identity domains the domain precedes the group's name; without
  # one the statement means the domain Default.
  subject = var.identity_domain == "" ? local.group_name : "'${var.identity_domain}'/'${local.group_name}'"
}

# Identity resources can only be changed in the home region.
resource "oci_identity_dynamic_group" "nodes" {
  count    = var.dynamic_group == null ? 1 : 0
  provider = oci.home

  compartment_id = var.tenancy_ocid
  name           = "${var.name}-nodes"
  description    = "Worker nodes that send Falco alerts to OCI Logging"
  matching_rule  = var.matching_rule == "" ? local.compartment_rule : var.matching_rule
  freeform_tags  = var.freeform_tags

  lifecycle {
    precondition {
      condition     = var.tenancy_ocid != null
      error_message = "Set tenancy_ocid to create a dynamic group, or pass dynamic_group."
    }
  }
}

# The group may write entries in this compartment, but not read or manage them.
resource "oci_identity_policy" "nodes" {
  count    = var.create_policy ? 1 : 0
  provider = oci.home

  compartment_id = var.compartment_id
  name           = "${var.name}-nodes"
  description    = "Worker nodes may write Falco alerts to OCI Logging"
  statements = [
    "Allow dynamic-group ${local.subject} to use log-content in compartment id ${var.compartment_id}",
  ]
  freeform_tags = var.freeform_tags
}
