# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

output "dashboard" {
  description = "The dashboard as JSON, as the Console's Import dashboards and oci management-dashboard dashboard import take it."
  value       = local.dashboard
}
