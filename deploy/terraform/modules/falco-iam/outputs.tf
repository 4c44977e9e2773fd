# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

output "dynamic_group_id" {
  description = "OCID of the dynamic group of the nodes, for the falco-logging module."
  value       = local.group_id
}

output "node_defined_tags" {
  description = "Defined tags for the nodes: node_config_details { defined_tags = … } of oci_containerengine_node_pool. Empty if the group does not go by a tag."
  value       = local.create_group && var.matching_rule == "" ? { "${local.tag.namespace}.${local.tag.key}" = local.tag.value } : {}

  # OKE must not put the tag on a node before it exists.
  depends_on = [oci_identity_tag.nodes]
}
