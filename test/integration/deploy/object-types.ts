/**
 * Judges objects by the types that are made of Kubernetes' published OpenAPI (package kubernetes-models): the compiler finds keys
 * that the API does not know, as an API server with strict field validation does, and the validators of the package find values
 * that its schemas do not allow.
 */

import { createRequire } from 'node:module';
import { join } from 'node:path';
import ts from 'typescript';

export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [key: string]: unknown;
}

const root = join(import.meta.dirname, '../../..');
const load = createRequire(import.meta.url);

/** Of security.openshift.io/v1, which no package has; written from OpenShift's reference of the API. */
const constraintsType = `
interface Strategy { type: 'MustRunAs' | 'RunAsAny' | 'MustRunAsNonRoot' | 'MustRunAsRange'; ranges?: { min?: number; max?: number }[] }
interface ISecurityContextConstraints {
  apiVersion: 'security.openshift.io/v1'; kind: 'SecurityContextConstraints';
  metadata: { name: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  allowHostDirVolumePlugin: boolean; allowHostIPC: boolean; allowHostNetwork: boolean; allowHostPID: boolean;
  allowHostPorts: boolean; allowPrivilegedContainer: boolean; readOnlyRootFilesystem: boolean;
  allowPrivilegeEscalation?: boolean; defaultAllowPrivilegeEscalation?: boolean;
  allowedCapabilities: string[] | null; requiredDropCapabilities: string[] | null; defaultAddCapabilities: string[] | null;
  allowedFlexVolumes?: { driver: string }[]; allowedUnsafeSysctls?: string[]; forbiddenSysctls?: string[];
  runAsUser?: Strategy & { uid?: number; uidRangeMin?: number; uidRangeMax?: number };
  seLinuxContext?: Strategy & { seLinuxOptions?: { user?: string; role?: string; type?: string; level?: string } };
  supplementalGroups?: Strategy; fsGroup?: Strategy; seccompProfiles?: string[]; volumes: string[] | null;
  users: string[]; groups: string[]; priority: number | null;
}`;

/** Module of a kind; undefined: its type is above. */
function moduleOf({ apiVersion, kind }: KubeObject): string | undefined {
  if (apiVersion === 'security.openshift.io/v1') return undefined;
  const home = apiVersion.startsWith('monitoring.coreos.com/')
    ? '@kubernetes-models/prometheus-operator'
    : 'kubernetes-models';
  return `${home}/${apiVersion}/${kind}`;
}

/** The validator of the package. @throws Error in its words */
function checkValues(object: KubeObject): void {
  const module = moduleOf(object);
  if (module === undefined) return;
  const models = load(module) as Record<string, new (data: object) => { validate(): void }>;
  const model = models[object.kind];
  if (model === undefined) throw new Error(`no model of ${object.kind}`);
  new model(object).validate();
}

/** What is wrong with the objects, one line each: kind, name and the fault. */
export function faultsOf(objects: readonly KubeObject[]): readonly string[] {
  const nameOf = ({ kind, metadata }: KubeObject): string => `${kind} ${metadata.name}`;
  const faults: string[] = [];
  for (const object of objects) {
    try {
      checkValues(object);
    } catch (thrown) {
      faults.push(`${nameOf(object)}: ${String(thrown)}`);
    }
  }
  const file = join(root, 'test/integration/deploy/objects.virtual.ts');
  const parts = objects.map((object, index) => {
    const module = moduleOf(object);
    const type = `I${object.kind}`;
    const imported = module === undefined ? type : `import('${module}').${type}`;
    return `const object${index}: ${imported} = ${JSON.stringify(object)}; void object${index};`;
  });
  const lines = [constraintsType.replaceAll('\n', ' '), ...parts, 'export {};'];
  const text = lines.join('\n');
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    types: [],
  };
  const real = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...real,
    getSourceFile: (name, ...rest) =>
      name === file ? ts.createSourceFile(name, text, ts.ScriptTarget.ES2022) : real.getSourceFile(name, ...rest),
    fileExists: (name) => name === file || real.fileExists(name),
    readFile: (name) => (name === file ? text : real.readFile(name)),
  };
  const program = ts.createProgram([file], options, host);
  const diagnostics = ts.getPreEmitDiagnostics(program);
  for (const { file: source, start = 0, messageText } of diagnostics) {
    const line = source === undefined ? 0 : source.getLineAndCharacterOfPosition(start).line;
    const object = objects[line - 1];
    const words = ts.flattenDiagnosticMessageText(messageText, ' ');
    faults.push(`${object === undefined ? (source?.fileName ?? '') : nameOf(object)}: ${words}`);
  }
  return faults;
}
