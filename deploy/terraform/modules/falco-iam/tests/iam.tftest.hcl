# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

mock_provider "oci" {}

variables {
  compartment_id = "ocid1.compartment.oc1..example"
  tenancy_ocid   = "ocid1.tenancy.oc1..example"
}

run "tagged_nodes_may_push" {
  command = apply

  assert {
    condition     = oci_identity_policy.nodes[0].statements == tolist(["Allow dynamic-group 'Default'/'falco-nodes' to {LOG_CONTENT_PUSH, UNIFIED_AGENT_CONFIG_GENERATE} in compartment id ocid1.compartment.oc1..example"])
    error_message = "The policy allows too much, or lacks the identity domain."
  }
  assert {
    condition     = oci_identity_dynamic_group.nodes[0].matching_rule == "ALL {instance.compartment.id = 'ocid1.compartment.oc1..example', tag.falco.role.value = 'worker'}"
    error_message = "The dynamic group is not the tagged nodes."
  }
  assert {
    condition     = jsonencode(output.node_defined_tags) == jsonencode({ "falco.role" = "worker" }) && oci_identity_tag_namespace.falco[0].name == "falco" && oci_identity_tag.nodes[0].name == "role"
    error_message = "The nodes would get another tag than the group asks for."
  }
  assert {
    condition     = length(oci_identity_policy.connectors) == 0
    error_message = "Connectors may read the logs although there are none."
  }
}

run "connectors" {
  command = apply
  variables {
    create_alerts_policy = true
  }
  assert {
    condition     = length(oci_identity_policy.connectors[0].statements) == 4 && alltrue([for s in oci_identity_policy.connectors[0].statements : strcontains(s, "where all {request.principal.type = 'serviceconnector', request.principal.compartment.id = 'ocid1.compartment.oc1..example'")])
    error_message = "any-user without a condition would be everybody."
  }
}

run "logs_and_archive_elsewhere" {
  command = apply
  variables {
    log_compartment_id = "ocid1.compartment.oc1..logs"
    archive_bucket     = "falco-archive"
  }
  assert {
    condition     = oci_identity_policy.nodes[0].compartment_id == "ocid1.compartment.oc1..logs" && endswith(oci_identity_policy.nodes[0].statements[0], " in compartment id ocid1.compartment.oc1..logs")
    error_message = "The nodes may not write to the logs."
  }
  assert {
    condition     = strcontains(oci_identity_dynamic_group.nodes[0].matching_rule, "instance.compartment.id = 'ocid1.compartment.oc1..example'")
    error_message = "The nodes are not those of their own compartment."
  }
  assert {
    condition     = length(oci_identity_policy.connectors[0].statements) == 3 && endswith(oci_identity_policy.connectors[0].statements[2], "request.principal.compartment.id = 'ocid1.compartment.oc1..logs', target.bucket.name = 'falco-archive'}")
    error_message = "The connectors may write to other buckets, or not to this one."
  }
}

run "own_tag" {
  command = apply
  variables {
    node_tag   = { namespace = "oke", key = "pool", value = "blue 1" }
    create_tag = false
  }
  assert {
    condition     = length(oci_identity_tag_namespace.falco) == 0 && length(oci_identity_tag.nodes) == 0
    error_message = "A tag that exists would be created again."
  }
  assert {
    condition     = strcontains(oci_identity_dynamic_group.nodes[0].matching_rule, "tag.oke.pool.value = 'blue 1'") && jsonencode(output.node_defined_tags) == jsonencode({ "oke.pool" = "blue 1" })
    error_message = "The tag that was passed is not used."
  }
}

run "own_rule" {
  command = apply
  variables {
    matching_rule = "ANY {instance.id = 'ocid1.instance.oc1..a'}"
  }
  assert {
    condition     = oci_identity_dynamic_group.nodes[0].matching_rule == "ANY {instance.id = 'ocid1.instance.oc1..a'}" && length(output.node_defined_tags) == 0 && length(oci_identity_tag.nodes) == 0
    error_message = "The rule that was passed is not used."
  }
}

run "no_identity_domains" {
  command = apply
  variables {
    identity_domain = ""
  }
  assert {
    condition     = startswith(oci_identity_policy.nodes[0].statements[0], "Allow dynamic-group falco-nodes to ")
    error_message = "The classic form has no domain and no quotes."
  }
}

run "own_group" {
  command = apply
  variables {
    tenancy_ocid    = null
    identity_domain = "Workloads"
    dynamic_group   = { id = "ocid1.dynamicgroup.oc1..own", name = "oke" }
  }
  assert {
    condition     = length(oci_identity_dynamic_group.nodes) == 0 && output.dynamic_group_id == "ocid1.dynamicgroup.oc1..own"
    error_message = "The group that was passed is not used."
  }
  assert {
    condition     = startswith(oci_identity_policy.nodes[0].statements[0], "Allow dynamic-group 'Workloads'/'oke' to ")
    error_message = "The policy does not name the group that was passed."
  }
}

run "a_group_in_another_domain_must_be_passed" {
  command = plan
  variables {
    identity_domain = "Workloads"
  }
  expect_failures = [oci_identity_dynamic_group.nodes]
}

run "tenancy_is_needed_for_a_group" {
  command = plan
  variables {
    tenancy_ocid = null
  }
  expect_failures = [oci_identity_dynamic_group.nodes]
}
