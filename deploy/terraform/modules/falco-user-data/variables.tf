# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

variable "release" {
  description = "The falco-bootstrap binary for each architecture of the pool: its URL, its size in bytes and its SHA-256. Nodes run no other file."
  type = map(object({
    url    = string
    size   = number
    sha256 = string
  }))

  validation {
    condition     = length(var.release) > 0 && length(setsubtract(keys(var.release), ["x86_64", "aarch64"])) == 0
    error_message = "The keys are x86_64 and aarch64; at least one is required."
  }
  validation {
    condition     = alltrue([for r in values(var.release) : can(regex("^https://[A-Za-z0-9][^\\s'\"\\\\`$]*$", r.url))])
    error_message = "Each url starts with https:// and has no spaces, quotes, backslashes, backticks or dollar signs."
  }
  validation {
    condition     = alltrue([for r in values(var.release) : r.size > 0 && floor(r.size) == r.size])
    error_message = "Each size is a whole number of bytes, more than 0."
  }
  validation {
    condition     = alltrue([for r in values(var.release) : can(regex("^[0-9a-f]{64}$", r.sha256))])
    error_message = "Each sha256 is 64 lower-case hexadecimal digits."
  }
}

variable "mode" {
  description = "converge changes the node to what is declared, at first boot and four times a day. audit reports drift and changes nothing."
  type        = string
  default     = "converge"

  validation {
    condition     = contains(["converge", "audit"], var.mode)
    error_message = "The mode is converge or audit."
  }
}

variable "node_labels" {
  description = "Labels that kubelet gives the node as it joins. kubelet refuses most of those with kubernetes.io in their key."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for key, value in var.node_labels : can(regex("^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?=([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?$", "${key}=${value}"))])
    error_message = "Keys and values consist of letters, digits and . _ -; a key also of one /."
  }
}

variable "node_taints" {
  description = "Taints that kubelet gives the node as it joins."
  type = list(object({
    key    = string
    value  = string
    effect = string
  }))
  default = []

  validation {
    condition     = alltrue([for t in var.node_taints : can(regex("^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?=[A-Za-z0-9._-]*:(NoSchedule|PreferNoSchedule|NoExecute)$", "${t.key}=${t.value}:${t.effect}"))])
    error_message = "Keys and values consist of letters, digits and . _ -; the effect is NoSchedule, PreferNoSchedule or NoExecute."
  }
}

variable "kubelet_extra_args" {
  description = "More arguments of kubelet, separated by spaces, e.g. --max-pods=60."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^(--[A-Za-z0-9=,.:/_<>% -]+)?$", var.kubelet_extra_args))
    error_message = "The arguments start with -- and have no quotes, dollar signs, backslashes or backticks."
  }
}

variable "timezone" {
  description = "The node's time zone, e.g. Europe/Zurich. Empty: the time zone of the image."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^[A-Za-z0-9/_+-]*$", var.timezone))
    error_message = "A time zone is a name of the tz database, e.g. Etc/UTC."
  }
}

variable "falco_version" {
  description = "Falco release to pin, e.g. 0.44.1. Empty: the newest that the node can run."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^([0-9]+\\.[0-9]+\\.[0-9]+)?$", var.falco_version))
    error_message = "A version is three numbers, e.g. 0.44.1, or empty."
  }
}

variable "driver" {
  description = "Falco's driver: auto, modern_ebpf or kmod."
  type        = string
  default     = "auto"

  validation {
    condition     = contains(["auto", "modern_ebpf", "kmod"], var.driver)
    error_message = "The driver is auto, modern_ebpf or kmod."
  }
}

variable "falco_config" {
  description = "More keys of falco.yaml, nested as in that file. The log file and its format are set by alert_file and alert_format."
  type        = any
  default     = {}

  validation {
    condition     = length(setintersection([for key in keys(var.falco_config) : split(".", key)[0]], ["file_output", "json_output", "time_format_iso_8601"])) == 0
    error_message = "file_output, json_output and time_format_iso_8601 follow from alert_file and alert_format: the log's parser depends on them."
  }
}

variable "mirror" {
  description = "URL of a copy of Falco's package and signing key, made as docs/oke.md says. Empty: download.falco.org and falco.org."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^(https://[A-Za-z0-9][^\\s'\"\\\\`$]*[^\\s'\"\\\\`$/])?$", var.mirror))
    error_message = "A mirror starts with https://, does not end with a slash, and has no spaces, quotes, backslashes, backticks or dollar signs."
  }
}

variable "falco_rules" {
  description = "Rules files for Falco to load after its own, in this order: each has a name, and a url with its sha256, a path or a content (docs/rules.md)."
  type = list(object({
    name    = string
    url     = optional(string, "")
    sha256  = optional(string, "")
    path    = optional(string, "")
    content = optional(string, "")
  }))
  default = []

  validation {
    condition     = alltrue([for r in var.falco_rules : length([for source in [r.url, r.path, r.content] : source if source != ""]) == 1 && (r.url == "") == (r.sha256 == "")])
    error_message = "Each rules file has exactly one of url, path and content, and a sha256 with a url only."
  }
}

variable "settings" {
  description = "More of /etc/falco-bootstrap.yaml: every section and key of docs/settings.md. The other variables win."
  type        = any
  default     = {}

  validation {
    condition = try(length(setsubtract(flatten([for section, values in var.settings : [for key in keys(values) : "${section}.${key}"]]), [
      # from internal/settings by go test . -update
      "falco.version",
      "falco.driver",
      "falco.config",
      "falco.rules_follow",
      "falco.rules",
      "falco.rpm",
      "repository.id",
      "repository.baseurl",
      "repository.gpgkey",
      "repository.fingerprints",
      "repository.repo_gpgcheck",
      "repository.insecure",
      "repository.warn_days",
      "epel.after",
      "log.mode",
      "log.group",
      "log.rotate",
      "proof.max_age",
    ])) == 0, false)
    error_message = "There is a section or key that docs/settings.md does not have."
  }
  validation {
    condition     = length(setintersection([for key in keys(try(var.settings.falco.config, {})) : split(".", key)[0]], ["file_output", "json_output", "time_format_iso_8601"])) == 0
    error_message = "file_output, json_output and time_format_iso_8601 follow from alert_file and alert_format: the log's parser depends on them."
  }
}

variable "alert_file" {
  description = "Where Falco writes its alerts on the node."
  type        = string
  default     = "/var/log/falco.log"

  validation {
    condition     = can(regex("^/[A-Za-z0-9._/-]+$", var.alert_file))
    error_message = "The alert file is an absolute path of letters, digits and . _ / -."
  }
}

variable "alert_format" {
  description = "json: every field of an alert can be searched. text: Falco's own lines, with the date."
  type        = string
  default     = "json"

  validation {
    condition     = contains(["json", "text"], var.alert_format)
    error_message = "The format is json or text."
  }
}
