# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

output "cluster_id" {
  description = "OCID of the cluster."
  value       = oci_containerengine_cluster.oke.id
}

output "node_pool_id" {
  description = "OCID of the node pool."
  value       = oci_containerengine_node_pool.workers.id
}

output "alert_search" {
  description = "Query for Logging Search that shows the alerts, without those about falco-bootstrap's own proofs."
  value       = module.falco_logging.alert_search
}

output "proof_search" {
  description = "Query for Logging Search that shows the alerts about falco-bootstrap's own proofs."
  value       = module.falco_logging.proof_search
}

output "drift_search" {
  description = "Query for Logging Search that finds drifted nodes."
  value       = module.falco_logging.drift_search
}

output "kubernetes_version" {
  description = "Kubernetes version of the cluster."
  value       = local.kubernetes_version
}

output "node_image_id" {
  description = "OCID of the image of the nodes."
  value       = local.image_id
}

output "newest_kubernetes_version" {
  description = "Newest Kubernetes version that OKE offers now. Set kubernetes_version to it to upgrade."
  value       = local.newest_kubernetes
}

output "newest_node_image_id" {
  description = "Newest Oracle Linux 9 image that OKE offers now for the Kubernetes version. Set node_image_id to it to upgrade."
  value       = local.newest_image[var.node_architecture]
}
