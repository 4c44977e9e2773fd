# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

variable "tenancy_ocid" {
  description = "OCID of the tenancy."
  type        = string
}

variable "compartment_ocid" {
  description = "OCID of the compartment of the cluster and the logs."
  type        = string
}

variable "region" {
  description = "Region of the cluster."
  type        = string
}

variable "home_region" {
  description = "Home region of the tenancy."
  type        = string
}

variable "kubernetes_version" {
  description = "Kubernetes version, e.g. v1.36.1."
  type        = string
}

variable "worker_image_id" {
  description = "OCID of an OKE image for the Kubernetes version and the shape."
  type        = string
}

variable "worker_shape" {
  description = "Shape of the worker nodes, a flexible one."
  type        = string
  default     = "VM.Standard.E4.Flex"
}

variable "ssh_public_key" {
  description = "Public key for the nodes, the bastion and the operator host."
  type        = string
}

variable "public_endpoint" {
  description = "Whether the API endpoint gets a public address. Otherwise a bastion and an operator host are created to reach it."
  type        = bool
  default     = false
}

variable "allowed_cidrs" {
  description = "From which addresses the public endpoint, or the bastion, can be reached, e.g. [\"192.0.2.0/24\"]."
  type        = list(string)
}

variable "node_cycling" {
  description = "Whether OKE replaces the nodes one by one when their image, version or user data changes."
  type        = bool
  default     = false
}

variable "falco_bootstrap_release" {
  description = "URL, size and SHA-256 of falco-bootstrap by architecture, as the falco-user-data module takes them."
  type = map(object({
    url    = string
    size   = number
    sha256 = string
  }))
}

variable "mirror" {
  description = "URL of a copy of Falco's package and signing key, for nodes that cannot reach download.falco.org."
  type        = string
  default     = ""
}

variable "falco_settings" {
  description = "More of /etc/falco-bootstrap.yaml, as the falco-user-data module takes it."
  type        = any
  default     = {}
}

variable "mode" {
  description = "What falco-bootstrap does: converge or audit."
  type        = string
  default     = "converge"
}
