# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0

# The form is that of ManagementDashboardImportDetails:
# https://docs.oracle.com/en-us/iaas/api/#/en/managementdashboard/latest/

locals {
  # A custom log arrives in this source; its entry, as JSON, is the field Message:
  # https://docs.oracle.com/en-us/iaas/log-analytics/doc/jsonextract.html
  entries = "'Log Source' = 'OCI Unified Schema Logs'"

  # The agent's own proofs are not alerts: docs/logging.md.
  alerts = "${local.entries} and Message like '%\"rule\"%' and Message not like '%fb-probe-%' | jsonextract field = Message Rule = '$.rule' | jsonextract field = Message Priority = '$.priority' | jsonextract field = Message Node = '$.hostname'"
  # Names in reports are those of docs/report.schema.json.
  reports = "${local.entries} and Message like '%\"schema_version\"%' | jsonextract field = Message Node = '$.host.hostname' | jsonextract field = Message Result = '$.result'"

  widgets = [
    { id = "falco-priorities", title = "Alerts by priority", kind = "bar", query = "${local.alerts} | timestats count as Alerts by Priority" },
    { id = "falco-rules", title = "Alerts by rule", kind = "hbar", query = "${local.alerts} | stats count as Alerts by Rule | sort -Alerts" },
    { id = "falco-nodes", title = "Alerts by node", kind = "hbar", query = "${local.alerts} | stats count as Alerts by Node | sort -Alerts" },
    { id = "falco-drift", title = "Reports by node and result", kind = "table", query = "${local.reports} | stats count as Reports by Node, Result | sort Node" },
  ]

  logs = [{ label = "logs", value = var.compartment_id }]
  scope = {
    isGlobal = false
    LogGroup = { type = "LogGroup", flags = { IncludeSubCompartments = false }, values = local.logs }
    Entity   = { type = "Entity", flags = { IncludeDependents = true, ScopeCompartmentId = var.compartment_id }, values = [] }
    LogSet   = { type = "LogSet", flags = {}, values = [] }
    filters = [
      { type = "LogGroup", flags = { includeSubCompartments = false }, values = local.logs },
      { type = "Entity", flags = { includeDependents = true, scopeCompartmentId = var.compartment_id }, values = [] },
      { type = "LogSet", flags = {}, values = [] },
    ]
  }

  owner = {
    providerId      = "log-analytics"
    providerName    = "Log Analytics"
    providerVersion = "3.0.0"
    compartmentId   = var.compartment_id
    metadataVersion = "2.0"
    nls             = {}
    dataConfig      = []
    screenImage     = " "
    freeformTags    = var.freeform_tags
  }

  dashboard = jsonencode({
    dashboards = [merge(local.owner, {
      dashboardId       = "${var.name}-bootstrap"
      displayName       = var.name
      description       = "Falco's alerts, and the reports of falco-bootstrap"
      type              = "normal"
      isOobDashboard    = false
      isShowInHome      = false
      isShowDescription = true
      isFavorite        = false
      uiConfig          = { isFilteringEnabled = true, isTimeRangeEnabled = true, isRefreshEnabled = true }
      # Two in a row of twelve columns.
      tiles = [for i, w in local.widgets : {
        displayName     = w.title
        savedSearchId   = w.id
        row             = floor(i / 2) * 4
        column          = i % 2 * 6
        width           = 6
        height          = 4
        nls             = {}
        uiConfig        = {}
        dataConfig      = []
        state           = "DEFAULT"
        drilldownConfig = []
      }]
      savedSearches = [for w in local.widgets : merge(local.owner, {
        id               = w.id
        displayName      = "${var.name}: ${w.title}"
        description      = w.title
        type             = "SEARCH_SHOW_IN_DASHBOARD"
        isOobSavedSearch = false
        widgetTemplate   = "visualizations/chartWidgetTemplate.html"
        widgetVM         = "jet-modules/dashboards/widgets/lxSavedSearchWidget"
        uiConfig = {
          vizType              = "lxSavedSearchWidgetType"
          visualizationType    = w.kind
          visualizationOptions = { legend = "auto", showTooltip = true }
          enableWidgetInApp    = true
          showTitle            = true
          queryString          = w.query
          scopeFilters         = local.scope
          timeSelection        = { timePeriod = "l1d" }
        }
      })]
    })]
  })
}
