# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

variable "compartment_id" {
  description = "OCID of the compartment of the logs. The dashboard is created there too."
  type        = string

  validation {
    condition     = can(regex("^ocid1\\.(compartment|tenancy)\\.", var.compartment_id))
    error_message = "This must be the OCID of a compartment."
  }
}

variable "name" {
  description = "Prefix of the names of everything that is created, and the dashboard's name."
  type        = string
  default     = "falco"

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9_-]{0,79}$", var.name))
    error_message = "A name starts with a letter, continues with letters, digits, _ or -, and has at most 80 characters."
  }
}

variable "log_group_id" {
  description = "Output log_group_id of the falco-logging module."
  type        = string
}

variable "alert_log_id" {
  description = "Output alert_log_id of the falco-logging module. The alerts must be JSON."
  type        = string
}

variable "report_log_id" {
  description = "Output report_log_id of the falco-logging module."
  type        = string
}

variable "create_policy" {
  description = "Whether to create the policy that the connectors need. Set this to false, and create it yourself, if the provider's region is not the tenancy's home region."
  type        = bool
  default     = true
}

variable "freeform_tags" {
  description = "Tags for everything that is created."
  type        = map(string)
  default     = {}
}
