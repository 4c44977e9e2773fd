# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

# Both logs, copied to Log Analytics, where dashboards read.

locals {
  copied = { alerts = var.alert_log_id, drift = var.report_log_id }
}

data "oci_objectstorage_namespace" "own" {
  compartment_id = var.compartment_id
}

resource "oci_log_analytics_log_analytics_log_group" "falco" {
  compartment_id = var.compartment_id
  namespace      = data.oci_objectstorage_namespace.own.namespace
  display_name   = var.name
  description    = "Falco on Kubernetes worker nodes"
  freeform_tags  = var.freeform_tags
}

# What Connector Hub proposes itself when a connector is created in the Console.
resource "oci_identity_policy" "connectors" {
  count = var.create_policy ? 1 : 0

  compartment_id = var.compartment_id
  name           = "${var.name}-dashboard"
  description    = "Connectors may copy Falco alerts to Log Analytics"
  statements = [
    "Allow any-user to {LOG_ANALYTICS_LOG_GROUP_UPLOAD_LOGS} in compartment id ${var.compartment_id} where all {request.principal.type = 'serviceconnector', target.loganalytics-log-group.id = '${oci_log_analytics_log_analytics_log_group.falco.id}', request.principal.compartment.id = '${var.compartment_id}'}",
    "Allow any-user to read log-content in compartment id ${var.compartment_id} where all {request.principal.type = 'serviceconnector', request.principal.compartment.id = '${var.compartment_id}'}",
    "Allow any-user to read log-groups in compartment id ${var.compartment_id} where all {request.principal.type = 'serviceconnector', request.principal.compartment.id = '${var.compartment_id}'}",
  ]
  freeform_tags = var.freeform_tags
}

resource "oci_sch_service_connector" "copy" {
  for_each = local.copied

  compartment_id = var.compartment_id
  display_name   = "${var.name}-${each.key}-to-log-analytics"
  description    = "Copies the log to Log Analytics"
  freeform_tags  = var.freeform_tags

  source {
    kind = "logging"
    log_sources {
      compartment_id = var.compartment_id
      log_group_id   = var.log_group_id
      log_id         = each.value
    }
  }

  target {
    kind         = "loggingAnalytics"
    log_group_id = oci_log_analytics_log_analytics_log_group.falco.id
  }
}

resource "oci_management_dashboard_management_dashboards_import" "falco" {
  import_details     = local.dashboard
  override_same_name = "true"
}
