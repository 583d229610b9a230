{{- define "restoreclick.name" -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "restoreclick.selector" -}}
app.kubernetes.io/name: restoreclick
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "restoreclick.labels" -}}
{{ include "restoreclick.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- define "restoreclick.image" -}}
{{- if .Values.image.digest -}}
{{ printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else -}}
{{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) }}
{{- end -}}
{{- end -}}

{{- define "restoreclick.secret" -}}
{{ .Values.existingSecret | default (include "restoreclick.name" .) }}
{{- end -}}

{{/* What every pod refuses itself. */}}
{{- define "restoreclick.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.image.pullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "restoreclick.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* The environment of the API and of a worker; a change of it starts new pods. */}}
{{- define "restoreclick.environment" -}}
envFrom:
  - configMapRef: {name: {{ include "restoreclick.name" . }}}
  - secretRef: {name: {{ include "restoreclick.secret" . }}}
{{- end -}}

{{- define "restoreclick.checksums" -}}
checksum/settings: {{ toJson .Values.settings | sha256sum }}
checksum/secrets: {{ toJson .Values.secrets | sha256sum }}
{{- end -}}

{{- define "restoreclick.volumeMounts" -}}
- {name: temporary, mountPath: /tmp}
{{- if .Values.brandConfigMap }}
- {name: brand, mountPath: /brand, readOnly: true}
{{- end }}
{{- end -}}

{{/* Pods of one component on different nodes, where there are several. */}}
{{- define "restoreclick.spread" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "restoreclick.selector" . | nindent 8 }}
{{- end -}}
