# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

mock_provider "oci" {}

variables {
  compartment_id = "ocid1.compartment.oc1..example"
  log_group_id   = "ocid1.loggroup.oc1..example"
  alert_log_id   = "ocid1.log.oc1..alerts"
  report_log_id  = "ocid1.log.oc1..drift"
}

run "dashboard" {
  command = apply

  assert {
    condition     = toset([for c in oci_sch_service_connector.copy : c.source[0].log_sources[0].log_id]) == toset(["ocid1.log.oc1..alerts", "ocid1.log.oc1..drift"])
    error_message = "Not both logs reach Log Analytics."
  }
  assert {
    condition     = alltrue([for c in oci_sch_service_connector.copy : c.target[0].log_group_id == oci_log_analytics_log_analytics_log_group.falco.id])
    error_message = "The logs go to another log group."
  }
  assert {
    condition     = oci_management_dashboard_management_dashboards_import.falco.import_details == output.dashboard
    error_message = "Another dashboard is imported than the output says."
  }
  assert {
    condition     = toset(jsondecode(output.dashboard).dashboards[0].tiles[*].savedSearchId) == toset(jsondecode(output.dashboard).dashboards[0].savedSearches[*].id)
    error_message = "A tile has no search, or a search no tile."
  }
  assert {
    condition     = length(distinct([for t in jsondecode(output.dashboard).dashboards[0].tiles : "${t.row}/${t.column}"])) == 4
    error_message = "One tile lies over another."
  }
  assert {
    condition     = alltrue([for s in oci_identity_policy.connectors[0].statements : strcontains(s, "where all {request.principal.type = 'serviceconnector'")])
    error_message = "any-user without a condition would be everybody."
  }
}

run "own_policy" {
  command = apply
  variables {
    create_policy = false
  }
  assert {
    condition     = length(oci_identity_policy.connectors) == 0
    error_message = "A policy that nobody asked for."
  }
}
