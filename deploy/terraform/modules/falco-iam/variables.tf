# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

variable "compartment_id" {
  description = "OCID of the compartment of the nodes."
  type        = string

  validation {
    condition     = can(regex("^ocid1\\.(compartment|tenancy)\\.", var.compartment_id))
    error_message = "This must be the OCID of a compartment."
  }
}

variable "log_compartment_id" {
  description = "OCID of the compartment of the logs: compartment_id of the falco-logging module. The default is the compartment of the nodes."
  type        = string
  default     = null

  validation {
    condition     = var.log_compartment_id == null || can(regex("^ocid1\\.(compartment|tenancy)\\.", var.log_compartment_id))
    error_message = "This must be the OCID of a compartment."
  }
}

variable "tenancy_ocid" {
  description = "OCID of the tenancy, which owns dynamic groups. Not needed with dynamic_group."
  type        = string
  default     = null

  validation {
    condition     = var.tenancy_ocid == null || can(regex("^ocid1\\.tenancy\\.", var.tenancy_ocid))
    error_message = "This must be the OCID of a tenancy."
  }
}

variable "name" {
  description = "Prefix of the names of everything that is created."
  type        = string
  default     = "falco"

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9_-]{0,79}$", var.name))
    error_message = "A name starts with a letter, continues with letters, digits, _ or -, and has at most 80 characters."
  }
}

variable "node_tag" {
  description = "The defined tag of the nodes that may write to the logs. The default is NAME.role = worker, with the name above."
  type = object({
    namespace = string
    key       = string
    value     = string
  })
  default = null

  validation {
    condition     = var.node_tag == null || can(regex("^[A-Za-z0-9_-]+/[A-Za-z0-9_-]+/[A-Za-z0-9 ._-]+$", "${var.node_tag.namespace}/${var.node_tag.key}/${var.node_tag.value}"))
    error_message = "Namespace and key consist of letters, digits, _ and -; the value also of spaces and dots."
  }
}

variable "create_tag" {
  description = "Whether to create the tag's namespace and key. Set this to false if they exist."
  type        = bool
  default     = true
}

variable "identity_domain" {
  description = "Identity domain of the dynamic group, as policies name it. Empty in a tenancy without identity domains."
  type        = string
  default     = "Default"

  validation {
    condition     = can(regex("^[A-Za-z0-9._ -]*$", var.identity_domain))
    error_message = "A domain name consists of letters, digits, spaces and . _ -."
  }
}

variable "dynamic_group" {
  description = "An existing dynamic group. Required if the nodes' group is not in the identity domain Default."
  type = object({
    id   = string
    name = string
  })
  default = null
}

variable "matching_rule" {
  description = "Which instances may write to the logs. Empty: those of the compartment that have the tag."
  type        = string
  default     = ""
}

variable "create_policy" {
  description = "Whether to create the policy that lets the group write to the logs."
  type        = bool
  default     = true
}

variable "create_alerts_policy" {
  description = "Whether to create the policy that the connectors of the falco-alerts module need."
  type        = bool
  default     = false
}

variable "archive_bucket" {
  description = "The archive's bucket of the falco-logging module: lets its connectors write there. The default is no archive."
  type        = string
  default     = null
}

variable "metric_namespace" {
  description = "The metric_namespace of the falco-alerts module."
  type        = string
  default     = "falco"
}

variable "freeform_tags" {
  description = "Tags for everything that is created."
  type        = map(string)
  default     = {}
}
