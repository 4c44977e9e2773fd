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

variable "falco_bootstrap_release" {
  description = "URL, size and SHA-256 of falco-bootstrap by architecture, as the falco-user-data module takes them."
  type = map(object({
    url    = string
    size   = number
    sha256 = string
  }))
}

variable "mode" {
  description = "What falco-bootstrap does: converge or audit."
  type        = string
  default     = "converge"
}
