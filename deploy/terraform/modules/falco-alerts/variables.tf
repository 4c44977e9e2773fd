# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

variable "compartment_id" {
  description = "OCID of the compartment of the logs, and of everything that is created."
  type        = string

  validation {
    condition     = can(regex("^ocid1\\.(compartment|tenancy)\\.", var.compartment_id))
    error_message = "This must be the OCID of a compartment."
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

variable "log_group_id" {
  description = "Output log_group_id of the falco-logging module."
  type        = string
}

variable "alert_log_id" {
  description = "Output alert_log_id of the falco-logging module."
  type        = string
}

variable "report_log_id" {
  description = "Output report_log_id of the falco-logging module."
  type        = string
}

variable "alert_format" {
  description = "Format of the alerts: alert_format of the falco-user-data module's output log."
  type        = string

  validation {
    condition     = contains(["json", "text"], var.alert_format)
    error_message = "The format is json or text."
  }
}

variable "minimum_priority" {
  description = "Alerts of this priority and graver ones reach the topic and are counted."
  type        = string
  default     = "Warning"

  validation {
    condition     = contains(["Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Informational", "Debug"], var.minimum_priority)
    error_message = "This must be a priority as Falco writes it, e.g. Warning."
  }
}

variable "subscriptions" {
  description = "Who gets the alerts: protocol is EMAIL, PAGERDUTY, SLACK, CUSTOM_HTTPS, SMS or ORACLE_FUNCTIONS, endpoint an address or URL."
  type = list(object({
    protocol = string
    endpoint = string
  }))
  default = []

  validation {
    condition     = alltrue([for s in var.subscriptions : contains(["EMAIL", "PAGERDUTY", "SLACK", "CUSTOM_HTTPS", "SMS", "ORACLE_FUNCTIONS"], s.protocol)])
    error_message = "A protocol is EMAIL, PAGERDUTY, SLACK, CUSTOM_HTTPS, SMS or ORACLE_FUNCTIONS."
  }
}

variable "alerts_per_minute" {
  description = "More alerts of one priority in a minute raise an alarm."
  type        = number
  default     = 20
}

variable "metric_namespace" {
  description = "Namespace of the metrics alerts and reports. The falco-iam module's policy must name the same."
  type        = string
  default     = "falco"

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]*$", var.metric_namespace)) && !startswith(var.metric_namespace, "oci_") && !startswith(var.metric_namespace, "oracle_")
    error_message = "A namespace consists of lower-case letters, digits and _, and does not start with oci_ or oracle_."
  }
}

variable "freeform_tags" {
  description = "Tags for everything that is created."
  type        = map(string)
  default     = {}
}
