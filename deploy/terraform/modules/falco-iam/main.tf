# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

locals {
  tag = var.node_tag == null ? { namespace = var.name, key = "role", value = "worker" } : var.node_tag

  # Every pod that reaches the metadata service is one of these instances to IAM, so
  # the group is the tagged nodes and not the compartment.
  tag_rule = "ALL {instance.compartment.id = '${var.compartment_id}', tag.${local.tag.namespace}.${local.tag.key}.value = '${local.tag.value}'}"

  create_group = var.dynamic_group == null
  create_tag   = var.create_tag && local.create_group && var.matching_rule == ""
  group_id     = local.create_group ? oci_identity_dynamic_group.nodes[0].id : var.dynamic_group.id
  group_name   = local.create_group ? oci_identity_dynamic_group.nodes[0].name : var.dynamic_group.name

  # In a tenancy with identity domains the domain comes before the group's name;
  # without it the statement means the domain Default.
  subject = var.identity_domain == "" ? local.group_name : "'${var.identity_domain}'/'${local.group_name}'"

  logs = coalesce(var.log_compartment_id, var.compartment_id)

  # Any user whose request comes from a connector of the compartment.
  connector = "request.principal.type = 'serviceconnector', request.principal.compartment.id = '${local.logs}'"
}

# Tags of the same compartment need no policy for OKE to put them on nodes
# (Oracle's "Tagging Kubernetes Cluster-Related Resources").
resource "oci_identity_tag_namespace" "falco" {
  count = local.create_tag ? 1 : 0

  compartment_id = var.compartment_id
  name           = local.tag.namespace
  description    = "Which instances send Falco alerts to OCI Logging"
  freeform_tags  = var.freeform_tags
}

resource "oci_identity_tag" "nodes" {
  count = local.create_tag ? 1 : 0

  tag_namespace_id = oci_identity_tag_namespace.falco[0].id
  name             = local.tag.key
  description      = "Worker nodes that send Falco alerts to OCI Logging"
  freeform_tags    = var.freeform_tags
}

resource "oci_identity_dynamic_group" "nodes" {
  count = local.create_group ? 1 : 0

  compartment_id = var.tenancy_ocid
  name           = "${var.name}-nodes"
  description    = "Worker nodes that send Falco alerts to OCI Logging"
  matching_rule  = var.matching_rule == "" ? local.tag_rule : var.matching_rule
  freeform_tags  = var.freeform_tags

  lifecycle {
    precondition {
      condition     = var.tenancy_ocid != null
      error_message = "Set tenancy_ocid to create a dynamic group, or pass dynamic_group."
    }
    precondition {
      condition     = contains(["", "Default"], var.identity_domain)
      error_message = "A dynamic group is created in the identity domain Default. Create it in ${var.identity_domain} yourself and pass dynamic_group."
    }
  }
}

# Exactly what the logging agent needs: use log-content would also hold
# LOG_CONTENT_READ, and every pod could read every log of the compartment.
# https://docs.oracle.com/en-us/iaas/Content/Identity/policyreference/loggingpolicyreference.htm
resource "oci_identity_policy" "nodes" {
  count = var.create_policy ? 1 : 0

  compartment_id = local.logs
  name           = "${var.name}-nodes"
  description    = "Worker nodes may write Falco alerts to OCI Logging"
  statements = [
    "Allow dynamic-group ${local.subject} to {LOG_CONTENT_PUSH, UNIFIED_AGENT_CONFIG_GENERATE} in compartment id ${local.logs}",
  ]
  freeform_tags = var.freeform_tags
}

# What Connector Hub proposes itself when a connector is created in the Console.
resource "oci_identity_policy" "connectors" {
  count = var.create_alerts_policy || var.archive_bucket != null ? 1 : 0

  compartment_id = local.logs
  name           = "${var.name}-connectors"
  description    = "Connectors may read Falco alerts and send them on"
  statements = concat(
    [
      "Allow any-user to read log-content in compartment id ${local.logs} where all {${local.connector}}",
      "Allow any-user to read log-groups in compartment id ${local.logs} where all {${local.connector}}",
    ],
    var.create_alerts_policy ? [
      "Allow any-user to use ons-topics in compartment id ${local.logs} where all {${local.connector}}",
      "Allow any-user to use metrics in compartment id ${local.logs} where all {${local.connector}, target.metrics.namespace = '${var.metric_namespace}'}",
    ] : [],
    var.archive_bucket == null ? [] : [
      "Allow any-user to manage objects in compartment id ${local.logs} where all {${local.connector}, target.bucket.name = '${var.archive_bucket}'}",
    ],
  )
  freeform_tags = var.freeform_tags
}
