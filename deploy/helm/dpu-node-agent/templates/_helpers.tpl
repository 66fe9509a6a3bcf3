{{/* Name of everything. One release per cluster and set of DPUs. */}}
{{- define "dpu.name" -}}
{{- if contains "dpu-node-agent" .Release.Name -}}
{{ .Release.Name | trunc 53 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-dpu-node-agent" (.Release.Name | trunc 38 | trimSuffix "-") }}
{{- end -}}
{{- end -}}

{{- define "dpu.selectorLabels" -}}
app.kubernetes.io/name: dpu-node-agent
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "dpu.labels" -}}
{{ include "dpu.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end -}}

{{/* The label and taint of the preset; empty for none. */}}
{{- define "dpu.nodeLabel" -}}
{{- $labels := dict "ovnKubernetes" "k8s.ovn.org/dpu" "dpuNetworkOperator" "network.operator.openshift.io/dpu" "dpuWorker" "node-role.kubernetes.io/dpu-worker" "none" "" -}}
{{- get $labels .Values.preset -}}
{{- end -}}

{{- define "dpu.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}{{- else -}}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{- end -}}
{{- end -}}
{{- end -}}

{{/* Mode of attachments as the configuration says; empty where it says nothing. */}}
{{- define "dpu.attachMode" -}}
{{- get (.Values.config.attach | default dict) "mode" | default "" -}}
{{- end -}}

{{/* Capabilities, as a YAML list. */}}
{{- define "dpu.capabilities" -}}
{{- $asked := .Values.rights.capabilities -}}
{{- if kindIs "slice" $asked -}}
{{- $asked | toYaml -}}
{{- else -}}
{{- $needed := list -}}
{{- if eq (include "dpu.attachMode" .) "attach" -}}{{- $needed = append $needed "NET_ADMIN" -}}{{- end -}}
{{- if eq .Values.platform "openshift" -}}{{- $needed = append $needed "DAC_OVERRIDE" -}}{{- end -}}
{{- $needed | toYaml -}}
{{- end -}}
{{- end -}}

{{/*
The configuration file. In the YAML of Helm (1.1) an unquoted `on` or `off` is a boolean, in that of the agent (1.2) a word: where
the agent takes these words, a boolean is put back into them, so that `config` is the file word for word.
*/}}
{{- define "dpu.config" -}}
{{- $config := .Values.config | toYaml | fromYaml -}}
{{- $api := $config.api | default dict -}}
{{- range $place := list
  (dict "map" $config.agent "key" "repair")
  (dict "map" $config.attach "key" "mode")
  (dict "map" $api.grpc "key" "mode")
  (dict "map" $api.http "key" "mode")
  (dict "map" $config.offload "key" "mode")
  (dict "map" $config.offload "key" "flows")
-}}
{{- $map := $place.map | default dict -}}
{{- if kindIs "bool" (get $map $place.key) -}}
{{- $_ := set $map $place.key (ternary "on" "off" (get $map $place.key)) -}}
{{- end -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{/* What the schema cannot say, because it is about two values at once. */}}
{{- define "dpu.check" -}}
{{- $values := .Values -}}
{{- $cluster := $values.config.hostCluster | default dict -}}
{{- $http := get ($values.config.api | default dict) "http" | default dict -}}
{{- $capabilities := include "dpu.capabilities" . | fromYamlArray -}}
{{- $source := $values.hostCluster.credentials.source -}}
{{- if and (eq $values.preset "none") (not $values.nodeSelector) -}}
{{- fail "preset none needs nodeSelector: without one the agent would run on every node, DPU or not" -}}
{{- end -}}
{{- if $cluster.inCluster -}}
{{- fail "config.hostCluster.inCluster: one service account would speak for all DPUs; use hostCluster.credentials with a token of each DPU's own (docs/host-cluster.md)" -}}
{{- end -}}
{{- if and $cluster (eq $source "none") -}}
{{- fail "config.hostCluster is there, but hostCluster.credentials.source is none: nothing would be mounted" -}}
{{- end -}}
{{- if and (eq $source "secret") (not $values.hostCluster.credentials.secretName) -}}
{{- fail "hostCluster.credentials.source secret needs secretName" -}}
{{- end -}}
{{- if and (eq (include "dpu.attachMode" .) "attach") (not (has "NET_ADMIN" $capabilities)) -}}
{{- fail "config.attach.mode attach needs NET_ADMIN in rights.capabilities: the MTU and link of representors are set" -}}
{{- end -}}
{{- if and $capabilities (ne (int $values.rights.runAsUser) 0) -}}
{{- fail "rights.capabilities need rights.runAsUser 0: Kubernetes gives added capabilities to root alone, for it has no ambient ones" -}}
{{- end -}}
{{- $config := include "dpu.config" . | fromYaml -}}
{{- if eq (get (get ($config.api | default dict) "http" | default dict) "mode" | default "on" | toString) "off" -}}
{{- fail "config.api.http.mode off: the probes ask there, and an agent that does not answer them is started again and again" -}}
{{- end -}}
{{- if or (get ($config.agent | default dict) "runDir") (get ($config.agent | default dict) "stateDir") (get ($config.ovs | default dict) "runDir") -}}
{{- fail "config.agent.runDir, config.agent.stateDir and config.ovs.runDir are places in the container, where nothing else is mounted; those on the node are in paths" -}}
{{- end -}}
{{- if or $http.listen $http.tls $http.tokenFile -}}
{{- fail "config.api.http: listen, tls and tokenFile follow from http.port and metrics, for the probes have to know them" -}}
{{- end -}}
{{- if and $values.metrics.expose (not (and $values.metrics.tlsSecret $values.metrics.tokenSecret)) -}}
{{- fail "metrics.expose needs metrics.tlsSecret and metrics.tokenSecret: who can reach the node must not read the metrics" -}}
{{- end -}}
{{- if and (or $values.metrics.podMonitor.enabled $values.metrics.serviceMonitor.enabled) (not $values.metrics.expose) -}}
{{- fail "metrics.podMonitor and metrics.serviceMonitor need metrics.expose: nobody reaches 127.0.0.1 of a DPU" -}}
{{- end -}}
{{- if and $values.metrics.podMonitor.enabled $values.metrics.serviceMonitor.enabled -}}
{{- fail "metrics.podMonitor or metrics.serviceMonitor, not both: each DPU would be scraped twice, and every alert would come twice" -}}
{{- end -}}
{{- range $values.extraEnv -}}
{{- if or (has .name (list "DPU_AGENT_CONFIG" "HOST_IP")) (hasPrefix "DPU_AGENT_API_HTTP_" .name) -}}
{{- fail (printf "extraEnv: %s is set by the chart" .name) -}}
{{- end -}}
{{- end -}}
{{- if and (eq $values.updateStrategy.type "OnDelete") (ne (toString $values.updateStrategy.maxUnavailable) "1") -}}
{{- fail "updateStrategy.maxUnavailable is for RollingUpdate" -}}
{{- end -}}
{{- end -}}

{{/* Whether something of the Prometheus operator scrapes the agents. */}}
{{- define "dpu.isScraped" -}}
{{- if or .Values.metrics.podMonitor.enabled .Values.metrics.serviceMonitor.enabled -}}yes{{- end -}}
{{- end -}}

{{/* How an agent is scraped. @param top, monitor: the values of the PodMonitor or the ServiceMonitor */}}
{{- define "dpu.endpoint" -}}
port: http
path: /metrics
scheme: https
interval: {{ .monitor.interval }}
authorization:
  type: Bearer
  credentials:
    name: {{ .top.Values.metrics.tokenSecret }}
    key: token
tlsConfig:
  serverName: {{ .monitor.serverName }}
  {{- if .monitor.ca }}
  ca:
    {{- toYaml .monitor.ca | nindent 4 }}
  {{- else }}
  insecureSkipVerify: true
  {{- end }}
relabelings:
  # By the DPU, not by the pod: series of one DPU go on over an update.
  - sourceLabels: [__meta_kubernetes_pod_node_name]
    targetLabel: instance
{{- end -}}
