# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

locals {
  alarms = {
    rate = {
      name     = "${var.name}-many-alerts"
      query    = "alerts[1m].groupBy(priority).sum() > ${var.alerts_per_minute}"
      severity = "CRITICAL"
      body     = "Falco writes many alerts. Search the log for their rules and nodes."
    }
    failed = {
      name     = "${var.name}-node-failed"
      query    = "reports[1h]{result = \"failed\"}.groupBy(node).sum() > 0"
      severity = "WARNING"
      body     = "falco-bootstrap could not set Falco up on this node. Its report in the drift log says why."
    }
    # The timer runs four times a day, at most 6 hours and 25 minutes apart: a node that
    # is silent for 12 hours has missed a run. A node that has been removed is reported
    # too; after three days, the longest that Monitoring remembers, it is forgotten.
    silent = {
      name     = "${var.name}-node-silent"
      query    = "reports[12h].groupBy(node).absent(3d)"
      severity = "WARNING"
      body     = "This node no longer reports. If it still exists, look at its timer and logging agent."
    }
  }
}

resource "oci_monitoring_alarm" "falco" {
  for_each = local.alarms

  compartment_id        = var.compartment_id
  metric_compartment_id = var.compartment_id
  display_name          = each.value.name
  namespace             = var.metric_namespace
  query                 = each.value.query
  severity              = each.value.severity
  body                  = each.value.body
  destinations          = [oci_ons_notification_topic.falco.id]
  is_enabled            = true
  freeform_tags         = var.freeform_tags

  # One message for each node or priority, which names it.
  is_notifications_per_metric_dimension_enabled = true
}
