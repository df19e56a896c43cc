{{- /* The chart's name. */}}
{{- define "syncline.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* The name that every object's begins with; short enough for what is added. */}}
{{- define "syncline.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 48 | trimSuffix "-" }}
{{- else if contains (include "syncline.name" .) .Release.Name }}
{{- .Release.Name | trunc 48 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "syncline.name" .) | trunc 48 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "syncline.selector" -}}
app.kubernetes.io/name: {{ include "syncline.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "syncline.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "syncline.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "syncline.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "syncline.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "syncline.claim" -}}
{{- default (printf "%s-data" (include "syncline.fullname" .)) .Values.persistence.existingClaim }}
{{- end }}

{{- define "syncline.image" -}}
{{- $tag := default .Chart.AppVersion .Values.image.tag }}
{{- if .Values.image.digest }}
{{- printf "%s:%s@%s" .Values.image.repository $tag .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository $tag }}
{{- end }}
{{- end }}

{{- /* A change of the configuration starts the pods anew. */}}
{{- define "syncline.podAnnotations" -}}
checksum/config: {{ .root.Values.config | sha256sum }}
{{- with .own }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* What the pods of both kinds have in common. */}}
{{- define "syncline.podSpec" -}}
serviceAccountName: {{ include "syncline.serviceAccount" .root }}
automountServiceAccountToken: false
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .root.Values.podSecurityContext | nindent 2 }}
{{- with .own.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .own.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .own.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: config
    configMap:
      name: {{ include "syncline.fullname" .root }}
  - name: secrets
    secret:
      secretName: {{ .root.Values.secrets.name }}
      defaultMode: 0440
  - name: database
    secret:
      secretName: {{ .root.Values.database.passwordSecret.name }}
      defaultMode: 0440
      items:
        - key: {{ .root.Values.database.passwordSecret.key }}
          path: password
  - name: data
    persistentVolumeClaim:
      claimName: {{ include "syncline.claim" .root }}
  - name: tmp
    emptyDir:
      sizeLimit: 64Mi
{{- end }}

{{- define "syncline.container" -}}
image: {{ include "syncline.image" .root | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  {{- toYaml .root.Values.securityContext | nindent 2 }}
resources:
  {{- toYaml .own.resources | nindent 2 }}
env:
  - name: SYNCLINE_CONFIG
    value: /etc/syncline/syncline.toml
  - name: SYNCLINE__DATA__FOLDER
    value: /var/lib/syncline
  - name: SYNCLINE__DATA__HISTORY
    value: {{ printf "postgres://%s@%s:%d/%s" .root.Values.database.user .root.Values.database.host (int .root.Values.database.port) .root.Values.database.name | quote }}
  - name: SYNCLINE__DATA__HISTORY_PASSWORD
    value: file:/run/secrets/syncline-database/password
  - name: SYNCLINE_LOG_FORMAT
    value: {{ .root.Values.logging.format }}
  {{- with .root.Values.logging.filter }}
  - name: SYNCLINE_LOG
    value: {{ . | quote }}
  {{- end }}
  {{- with .root.Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
ports:
  - name: metrics
    containerPort: {{ .root.Values.metrics.port }}
volumeMounts:
  - name: config
    mountPath: /etc/syncline
    readOnly: true
  - name: secrets
    mountPath: /run/secrets/syncline
    readOnly: true
  - name: database
    mountPath: /run/secrets/syncline-database
    readOnly: true
  - name: data
    mountPath: /var/lib/syncline
  - name: tmp
    mountPath: /tmp
{{- end }}

{{- /* Asks from inside the pod: what serves on 127.0.0.1 is not reached from outside. */}}
{{- define "syncline.probe" -}}
exec:
  command: [syncline, health, --url, {{ . | quote }}]
{{- end }}
