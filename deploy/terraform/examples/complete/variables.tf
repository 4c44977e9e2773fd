# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

variable "tenancy_ocid" {
  description = "OCID of the tenancy."
  type        = string
}

variable "region" {
  description = "Region of the cluster, e.g. eu-zurich-1."
  type        = string
}

variable "compartment_ocid" {
  description = "OCID of the compartment of the cluster, and of the logs unless log_compartment_ocid names another."
  type        = string
}

variable "vcn_id" {
  description = "OCID of the network. Empty: a new one, with a NAT and a service gateway."
  type        = string
  default     = ""
}

variable "vcn_cidr" {
  description = "Addresses of a new network."
  type        = string
  default     = "10.0.0.0/16"

  validation {
    condition     = can(regex("/(1[6-9]|2[0-2])$", var.vcn_cidr)) && can(cidrsubnet(var.vcn_cidr, 2, 1))
    error_message = "A new network needs a block of addresses from /16 to /22, e.g. 10.0.0.0/16."
  }
}

variable "endpoint_subnet_id" {
  description = "OCID of the subnet of the Kubernetes API endpoint, if vcn_id is set."
  type        = string
  default     = ""
}

variable "worker_subnet_id" {
  description = "OCID of the subnet of the worker nodes, if vcn_id is set. It must reach download.falco.org, or a mirror in settings."
  type        = string
  default     = ""
}

variable "load_balancer_subnet_id" {
  description = "OCID of the subnet of load balancers. Empty: each service names its own."
  type        = string
  default     = ""
}

variable "public_endpoint" {
  description = "Whether the API endpoint gets a public address."
  type        = bool
  default     = false
}

variable "endpoint_allowed_cidrs" {
  description = "From which addresses the API endpoint in a new network can be reached, e.g. [\"192.0.2.0/24\"]. The nodes can always reach it."
  type        = list(string)
  default     = []
}

variable "cluster_name" {
  description = "Name of the cluster."
  type        = string
  default     = "falco"
}

variable "kubernetes_version" {
  description = "Kubernetes version, e.g. v1.36.1. Empty: the newest at the first apply."
  type        = string
  default     = ""
}

variable "node_pool_size" {
  description = "Number of worker nodes."
  type        = number
  default     = 2

  validation {
    condition     = var.node_pool_size >= 0 && floor(var.node_pool_size) == var.node_pool_size
    error_message = "The number of nodes must be a whole number."
  }
}

variable "node_shape" {
  description = "Shape of the worker nodes."
  type        = string
  default     = "VM.Standard.E4.Flex"
}

variable "node_architecture" {
  description = "Architecture of the shape and of the binary: x86_64 or aarch64."
  type        = string
  default     = "x86_64"

  validation {
    condition     = contains(["x86_64", "aarch64"], var.node_architecture)
    error_message = "The architecture is x86_64 or aarch64."
  }
}

variable "node_ocpus" {
  description = "OCPUs of each node, for flexible shapes."
  type        = number
  default     = 2
}

variable "node_memory_in_gbs" {
  description = "Memory of each node, for flexible shapes."
  type        = number
  default     = 16
}

variable "node_image_id" {
  description = "OCID of an OKE image. Empty: the newest Oracle Linux 9 image at the first apply. GPU shapes need one."
  type        = string
  default     = ""
}

variable "node_cycling" {
  description = "Whether OKE replaces the nodes one by one when their image, version or user data changes."
  type        = bool
  default     = false
}

variable "ssh_public_key" {
  description = "Public key for the nodes."
  type        = string
  default     = ""
}

variable "falco_bootstrap_url" {
  description = "URL of the falco-bootstrap binary for the nodes' architecture."
  type        = string
}

variable "falco_bootstrap_size" {
  description = "Size of the binary in bytes."
  type        = number
}

variable "falco_bootstrap_sha256" {
  description = "SHA-256 of the binary."
  type        = string
}

variable "mode" {
  description = "What falco-bootstrap does: converge or audit."
  type        = string
  default     = "converge"
}

variable "kubelet_extra_args" {
  description = "More arguments of kubelet, e.g. --register-with-taints=dedicated=db:NoSchedule."
  type        = string
  default     = ""
}

variable "mirror" {
  description = "URL of a copy of Falco's package and signing key, for nodes that cannot reach download.falco.org."
  type        = string
  default     = ""
}

variable "falco_settings" {
  description = "More of /etc/falco-bootstrap.yaml, as YAML; see docs/settings.md."
  type        = string
  default     = ""
}

variable "worker_timezone" {
  description = "Time zone of the nodes. Empty: the time zone of the image."
  type        = string
  default     = ""
}

variable "alert_format" {
  description = "Format of the alerts: json or text."
  type        = string
  default     = "json"
}

variable "alert_email" {
  description = "Who gets the alerts by mail. Empty: nobody; no topic, connectors or alarms are created."
  type        = string
  default     = ""
}

variable "alert_minimum_priority" {
  description = "Alerts of this priority and graver ones are sent."
  type        = string
  default     = "Warning"
}

variable "identity_domain" {
  description = "Identity domain for the policy; empty in a tenancy without identity domains."
  type        = string
  default     = "Default"
}

variable "dynamic_group_ocid" {
  description = "OCID of an existing dynamic group of the nodes. Needed if identity_domain is not Default."
  type        = string
  default     = ""
}

variable "dynamic_group_name" {
  description = "Name of that group."
  type        = string
  default     = ""
}

variable "retention_days" {
  description = "How long OCI Logging keeps an entry."
  type        = number
  default     = 30
}

variable "log_compartment_ocid" {
  description = "OCID of the compartment of the logs and alerts. Empty: that of the cluster."
  type        = string
  default     = ""
}

variable "archive_days" {
  description = "How many days a new bucket keeps copies of both logs. 0: no archive."
  type        = number
  default     = 0
}
