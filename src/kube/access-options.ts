/**
 * How a cluster is reached, as somebody configured it. Given to KubeClient, which reads what is named here and keeps it
 * current. Types only.
 */

/** Three ways to name a cluster and the credentials for it. */
export type ClusterAccessOptions =
  | {
      readonly kind: 'kubeconfig';
      readonly file: string;
      /** Name of a context; the file's `current-context` without it. */
      readonly context?: string | undefined;
    }
  | {
      /** What a pod finds in itself: the service account that is mounted into it. */
      readonly kind: 'inCluster';
      /** `KUBERNETES_SERVICE_HOST` */
      readonly host: string;
      /** `KUBERNETES_SERVICE_PORT` */
      readonly port: string;
      /** Folder with `token` and `ca.crt`, usually /var/run/secrets/kubernetes.io/serviceaccount. */
      readonly dir: string;
    }
  | {
      readonly kind: 'server';
      /** `https://host:port`, perhaps with a path. */
      readonly server: string;
      readonly tokenFile?: string | undefined;
      /** PEM file of the authorities that may sign the server's certificate; those of the system without it. */
      readonly caFile?: string | undefined;
      /** The same as text: PEM, or base64 of PEM. Not together with `caFile`. */
      readonly caData?: string | undefined;
      /** PEM file of the client's certificate, together with `keyFile`. */
      readonly certFile?: string | undefined;
      readonly keyFile?: string | undefined;
    };

/** Where the service account of a pod is mounted. */
export const serviceAccountDir = '/var/run/secrets/kubernetes.io/serviceaccount';
