/** Of each kind what the policies look at; whether it is of the right form is the validators' affair. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Labels };
}

export type Labels = Readonly<Record<string, string>>;

export interface Selector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly { readonly key: string; readonly operator: string; readonly values: readonly string[] }[];
}

interface Reference {
  readonly name: string;
  readonly key: string;
  readonly optional?: boolean;
}

interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: string | number };
  readonly periodSeconds: number;
  readonly timeoutSeconds: number;
  readonly failureThreshold: number;
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: { readonly secretKeyRef?: Reference } }[];
  readonly envFrom?: readonly { readonly configMapRef?: { readonly name: string } }[];
  readonly resources: { readonly requests: Labels; readonly limits: Labels };
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly lifecycle?: { readonly preStop: { readonly sleep: { readonly seconds: number } } };
  readonly securityContext: object;
}

interface PodSpec {
  readonly automountServiceAccountToken?: boolean;
  readonly enableServiceLinks?: boolean;
  readonly terminationGracePeriodSeconds?: number;
  readonly securityContext: { readonly runAsNonRoot: boolean; readonly runAsUser: number; readonly seccompProfile: object };
  readonly topologySpreadConstraints?: readonly { readonly topologyKey: string; readonly labelSelector: Selector }[];
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
}

interface Peer {
  readonly namespaceSelector?: Selector;
  readonly podSelector?: Selector;
  readonly ipBlock?: object;
}

interface Rule {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports: readonly { readonly protocol: string; readonly port: string | number }[];
}

export interface Kinds {
  readonly ConfigMap: Manifest & { readonly kind: 'ConfigMap'; readonly data: Labels };
  readonly Secret: Manifest & { readonly kind: 'Secret'; readonly data: Labels };
  readonly Namespace: Manifest & { readonly kind: 'Namespace' };
  readonly Deployment: Manifest & {
    readonly kind: 'Deployment';
    readonly spec: {
      readonly replicas?: number;
      readonly strategy?: { readonly rollingUpdate?: { readonly maxUnavailable: number; readonly maxSurge: string } };
      readonly selector: Selector;
      readonly template: { readonly metadata: { readonly labels: Labels }; readonly spec: PodSpec };
    };
  };
  readonly Service: Manifest & {
    readonly kind: 'Service';
    readonly spec: { readonly clusterIP?: string; readonly selector: Labels; readonly ports: readonly { readonly port: number; readonly targetPort: string }[] };
  };
  readonly PodDisruptionBudget: Manifest & {
    readonly kind: 'PodDisruptionBudget';
    readonly spec: { readonly selector: Selector; readonly maxUnavailable: number; readonly unhealthyPodEvictionPolicy: string };
  };
  readonly HorizontalPodAutoscaler: Manifest & {
    readonly kind: 'HorizontalPodAutoscaler';
    readonly spec: {
      readonly scaleTargetRef: { readonly kind: string; readonly name: string };
      readonly minReplicas: number;
      readonly maxReplicas: number;
      readonly metrics: readonly { readonly type: string; readonly pods?: { readonly metric: { readonly name: string }; readonly target: { readonly averageValue: string } } }[];
    };
  };
  readonly HTTPRoute: Manifest & {
    readonly kind: 'HTTPRoute';
    readonly spec: { readonly rules: readonly { readonly timeouts: { readonly request: string }; readonly backendRefs: readonly { readonly name: string; readonly port: number }[] }[] };
  };
  readonly ServiceMonitor: Manifest & { readonly kind: 'ServiceMonitor'; readonly spec: { readonly selector: Selector; readonly endpoints: readonly { readonly port: string; readonly path: string }[] } };
  readonly NetworkPolicy: Manifest & {
    readonly kind: 'NetworkPolicy';
    readonly spec: { readonly podSelector: Selector; readonly policyTypes: readonly string[]; readonly ingress?: readonly Rule[]; readonly egress?: readonly Rule[] };
  };
}

/** Whether a selector finds something with these labels. */
export function selects({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean {
  return Object.entries(matchLabels).every(([key, value]) => labels[key] === value)
    && matchExpressions.every(({ key, operator, values }) => operator === 'In' && values.includes(labels[key] ?? ''));
}
