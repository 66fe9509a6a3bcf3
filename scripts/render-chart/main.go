// Renders the templates of a Helm chart as `helm template` does: with the template language of Go (text/template), the
// functions of Sprig and the YAML of sigs.k8s.io, which are the very libraries that Helm itself is made of. What Helm adds
// to them is here again, as far as this project's chart may use it: include, tpl, required, fail, lookup, to and from YAML
// and JSON, .Files, .Chart, .Release, .Capabilities. Subcharts, hooks, libraries and `--set` are not; a chart that has a
// folder charts/ is refused. Values come merged and checked by the caller (scripts/render-manifests.mjs).
//
// Reads one JSON object from the standard input: {"chart": DIR, "values": {…}, "release": {"Name": …, "Namespace": …},
// "chartMeta": {…}, "apiVersions": [...]}; writes a JSON object: name of each template to its text.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

type request struct {
	Chart       string                 `json:"chart"`
	Values      map[string]interface{} `json:"values"`
	Release     map[string]interface{} `json:"release"`
	ChartMeta   map[string]interface{} `json:"chartMeta"`
	APIVersions []string               `json:"apiVersions"`
}

// files is Helm's .Files: what lies in the chart outside of templates/.
type files map[string][]byte

func (f files) Get(name string) string { return string(f[name]) }

func (f files) Glob(pattern string) files {
	found := files{}
	for name, data := range f {
		if ok, _ := path.Match(pattern, name); ok {
			found[name] = data
		}
	}
	return found
}

type apiVersions []string

func (v apiVersions) Has(name string) bool {
	for _, each := range v {
		if each == name {
			return true
		}
	}
	return false
}

// As deep as Helm lets templates include one another.
const includeDepthMax = 1000

func read(chart string) (templates map[string]string, rest files, err error) {
	templates, rest = map[string]string{}, files{}
	var walk func(relative string) error
	walk = func(relative string) error {
		// Through links, as Helm does: rules and dashboards are linked into the chart.
		entries, err := os.ReadDir(filepath.Join(chart, relative))
		if err != nil {
			return err
		}
		for _, entry := range entries {
			name := path.Join(relative, entry.Name())
			info, err := os.Stat(filepath.Join(chart, name))
			if err != nil {
				return err
			}
			if info.IsDir() {
				if name == "charts" {
					return errors.New("a chart with subcharts cannot be rendered here")
				}
				if err := walk(name); err != nil {
					return err
				}
				continue
			}
			data, err := os.ReadFile(filepath.Join(chart, name))
			if err != nil {
				return err
			}
			if strings.HasPrefix(name, "templates/") {
				templates[name] = string(data)
			} else {
				rest[name] = data
			}
		}
		return nil
	}
	return templates, rest, walk("")
}

func toYAML(value interface{}) (string, error) {
	data, err := yaml.Marshal(value)
	return strings.TrimSuffix(string(data), "\n"), err
}

func functions(root *template.Template) template.FuncMap {
	all := sprig.TxtFuncMap()
	// Helm takes these out, so that a chart cannot read the environment of whoever renders it.
	delete(all, "env")
	delete(all, "expandenv")
	depth := 0
	include := func(name string, data interface{}) (string, error) {
		depth++
		defer func() { depth-- }()
		if depth > includeDepthMax {
			return "", fmt.Errorf("templates include one another without an end: %s", name)
		}
		var out strings.Builder
		err := root.ExecuteTemplate(&out, name, data)
		return out.String(), err
	}
	added := template.FuncMap{
		"include": include,
		"tpl": func(text string, data interface{}) (string, error) {
			each, err := root.Clone()
			if err != nil {
				return "", err
			}
			each, err = each.New("tpl").Parse(text)
			if err != nil {
				return "", err
			}
			var out strings.Builder
			err = each.Execute(&out, data)
			return strings.ReplaceAll(out.String(), "<no value>", ""), err
		},
		"required": func(message string, value interface{}) (interface{}, error) {
			if value == nil || value == "" {
				return value, errors.New(message)
			}
			return value, nil
		},
		"fail": func(message string) (string, error) { return "", errors.New(message) },
		// As without a cluster: nothing is there.
		"lookup": func(string, string, string, string) map[string]interface{} { return map[string]interface{}{} },
		"toYaml": toYAML,
		"toJson": func(value interface{}) (string, error) {
			data, err := json.Marshal(value)
			return string(data), err
		},
		"fromYaml": func(text string) (map[string]interface{}, error) {
			value := map[string]interface{}{}
			return value, yaml.Unmarshal([]byte(text), &value)
		},
		"fromYamlArray": func(text string) ([]interface{}, error) {
			value := []interface{}{}
			return value, yaml.Unmarshal([]byte(text), &value)
		},
		"fromJson": func(text string) (map[string]interface{}, error) {
			value := map[string]interface{}{}
			return value, json.Unmarshal([]byte(text), &value)
		},
	}
	for name, function := range added {
		all[name] = function
	}
	return all
}

func render(asked request) (map[string]string, error) {
	templates, rest, err := read(asked.Chart)
	if err != nil {
		return nil, err
	}
	root := template.New("chart").Option("missingkey=zero")
	root.Funcs(functions(root))
	names := make([]string, 0, len(templates))
	for name := range templates {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if _, err := root.New(name).Parse(templates[name]); err != nil {
			return nil, err
		}
	}
	rendered := map[string]string{}
	for _, name := range names {
		if strings.HasPrefix(path.Base(name), "_") {
			continue
		}
		data := map[string]interface{}{
			"Values":  asked.Values,
			"Release": asked.Release,
			"Chart":   asked.ChartMeta,
			"Files":   rest,
			"Capabilities": map[string]interface{}{
				"APIVersions": apiVersions(asked.APIVersions),
			},
			"Template": map[string]interface{}{"Name": name, "BasePath": "templates"},
		}
		var out strings.Builder
		if err := root.ExecuteTemplate(&out, name, data); err != nil {
			return nil, err
		}
		rendered[name] = strings.ReplaceAll(out.String(), "<no value>", "")
	}
	return rendered, nil
}

func main() {
	var asked request
	err := json.NewDecoder(os.Stdin).Decode(&asked)
	var rendered map[string]string
	if err == nil {
		rendered, err = render(asked)
	}
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(rendered)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
