# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

output "topic_id" {
  description = "OCID of the topic that the alerts and alarms go to."
  value       = oci_ons_notification_topic.falco.id
}

output "condition" {
  description = "Which alerts reach the topic: the connectors' filter, which is also valid after where in Logging Search."
  value       = local.condition
}
