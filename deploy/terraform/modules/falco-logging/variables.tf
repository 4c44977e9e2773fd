# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

variable "compartment_id" {
  description = "OCID of the compartment of the logs. If it is not that of the nodes, pass it to the falco-iam module as log_compartment_id."
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

variable "dynamic_group_id" {
  description = "OCID of the dynamic group of the nodes: output dynamic_group_id of the falco-iam module."
  type        = string
}

variable "log" {
  description = "The output log of the falco-user-data module: which files the nodes write, and in which format."
  type = object({
    alert_file   = string
    alert_format = string
    report_file  = string
  })

  validation {
    condition     = contains(["json", "text"], var.log.alert_format)
    error_message = "The alert format is json or text."
  }
}

variable "retention_days" {
  description = "How long OCI Logging keeps an entry."
  type        = number
  default     = 30

  validation {
    condition     = contains([30, 60, 90, 120, 150, 180], var.retention_days)
    error_message = "OCI Logging keeps entries 30, 60, 90, 120, 150 or 180 days."
  }
}

variable "archive" {
  description = "Copies both logs to a new bucket, and keeps them there for so many days. Pass the bucket's name to the falco-iam module as archive_bucket. The default is no archive."
  type = object({
    bucket = string
    days   = number
  })
  default = null

  validation {
    condition     = var.archive == null ? true : can(regex("^[A-Za-z0-9._-]{1,256}$", var.archive.bucket)) && var.archive.days >= 1 && floor(var.archive.days) == var.archive.days
    error_message = "A bucket's name consists of letters, digits, - _ and ., and days is a whole number."
  }
}

variable "saved_searches" {
  description = "Whether to save the searches of the outputs, so that they are in the list of Logging Search."
  type        = bool
  default     = true
}

variable "freeform_tags" {
  description = "Tags for everything that is created."
  type        = map(string)
  default     = {}
}
