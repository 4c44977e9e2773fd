# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

locals {
  # One source for Terraform and for the Console: the scripts in deploy/cloud-init.
  dir    = "${path.module}/../../../cloud-init"
  blocks = { settings = local.block, join = local.join }

  # JSON always has a full time stamp. Text has only the time of day, unless
  # falco.yaml asks for the date.
  format = var.alert_format == "json" ? { json_output = true } : { json_output = false, time_format_iso_8601 = true }

  # A mirror makes its own metadata, which Falco's key cannot have signed. The package
  # is signed all the same.
  mirror = { for key, value in {
    baseurl       = var.mirror
    gpgkey        = "${var.mirror}/RPM-GPG-KEY-falcosecurity"
    repo_gpgcheck = false
  } : key => value if var.mirror != "" }

  rules = { for key, list in { rules = [for r in var.falco_rules : { for k, v in r : k => v if v != "" }] } : key => list if length(list) > 0 }

  settings = merge(var.settings, {
    falco = merge(
      try(var.settings.falco, {}),
      { for key, value in { version = var.falco_version, driver = var.driver } : key => value if !contains(["", "auto"], value) },
      local.rules,
      { config = merge(try(var.settings.falco.config, {}), var.falco_config, local.format, {
        file_output = { enabled = true, filename = var.alert_file }
      }) },
    )
    repository = merge(try(var.settings.repository, {}), local.mirror)
  })
  settings_yaml = yamlencode({ for name, section in local.settings : name => section if length(section) > 0 })

  pins = { for arch in ["x86_64", "aarch64"] : arch => {
    url    = try(var.release[arch].url, "")
    size   = try(tostring(var.release[arch].size), "")
    sha256 = try(var.release[arch].sha256, "")
  } }

  # Quoted for the shell: a single quote ends the string, is escaped, and starts
  # the string again.
  block = join("", concat(
    flatten([for arch, pin in local.pins : [
      "fb_url_${arch}='${pin.url}'\n",
      "fb_size_${arch}='${pin.size}'\n",
      "fb_sha256_${arch}='${pin.sha256}'\n",
    ]]),
    [
      "fb_proto='https'\n",
      "fb_mode='${var.mode}'\n",
      "fb_timezone='${var.timezone}'\n",
      "fb_settings='${replace(local.settings_yaml, "'", "'\\''")}'\n",
    ],
  ))

  # kubelet takes labels and taints when it registers the node.
  kubelet_extra_args = join(" ", compact([
    length(var.node_labels) == 0 ? "" : "--node-labels=${join(",", [for key, value in var.node_labels : "${key}=${value}"])}",
    length(var.node_taints) == 0 ? "" : "--register-with-taints=${join(",", [for t in var.node_taints : "${t.key}=${t.value}:${t.effect}"])}",
    var.kubelet_extra_args,
  ]))
  join = "fb_kubelet_extra_args='${local.kubelet_extra_args}'\n"

  # The comments are for those who read the scripts: without them there is room for
  # settings.
  comments = "/(?m)^ *#( .*)?\n/"
  scripts  = { for name in ["50-oke.sh", "60-falco-bootstrap.sh", "oke-falco.sh"] : name => file("${local.dir}/${name}") }

  # Each script with its block replaced; the complete one has both.
  texts = { for name, block in { "50-oke.sh" = "join", "60-falco-bootstrap.sh" = "settings", "oke-falco.sh" = "settings" } : name => join("", [
    replace(split("# >>> ${block}\n", local.scripts[name])[0], local.comments, ""),
    local.blocks[block],
    replace(split("# <<< ${block}\n", local.scripts[name])[1], local.comments, ""),
  ]) }
  rendered = merge(local.texts, {
    "oke-falco.sh" = replace(local.texts["oke-falco.sh"], "fb_kubelet_extra_args=''\n", local.join)
  })
}
