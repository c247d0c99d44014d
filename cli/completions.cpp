// Completions for shells, made from the commands themselves.
#include <cstdio>
#include <memory>

#include "command.hpp"

namespace spikard::cli {
namespace {

struct Entry {
  std::string path;                                        // "", "check", "tasks list"
  std::vector<std::pair<std::string, std::string>> words;  // subcommands and options, with what they do
};

std::string one_line(std::string text) {
  for (char& c : text) {
    if (c == '\n' || c == '\'' || c == ':' || c == '"' || c == '`') c = ' ';
  }
  return text;
}

void collect(const CLI::App& app, const std::string& path, std::vector<Entry>& out) {
  Entry entry{path, {}};
  for (const CLI::App* child : app.get_subcommands({}))
    entry.words.emplace_back(child->get_name(), one_line(child->get_description()));
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames())
      entry.words.emplace_back("--" + name, one_line(option->get_description()));
  }
  out.push_back(std::move(entry));
  for (const CLI::App* child : app.get_subcommands({}))
    collect(*child, path.empty() ? child->get_name() : path + " " + child->get_name(), out);
}

// In each shell: take the words so far that are no options, find the longest path of commands they begin with, offer its words.
void bash(const std::vector<Entry>& entries) {
  std::printf(
      "_spikard() {\n  local word path= words\n  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
      "    [[ $word == -* ]] && continue\n    case \"${path:+$path }$word\" in\n");
  for (const Entry& entry : entries) {
    if (!entry.path.empty()) std::printf("      '%s') path='%s' ;;\n", entry.path.c_str(), entry.path.c_str());
  }
  std::printf("    esac\n  done\n  case \"$path\" in\n");
  for (const Entry& entry : entries) {
    std::printf("    '%s') words='", entry.path.c_str());
    for (const auto& [word, doc] : entry.words) std::printf("%s ", word.c_str());
    std::printf("' ;;\n");
  }
  std::printf(
      "  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\ncomplete -o default -F _spikard "
      "spikard\n");
}

void zsh(const std::vector<Entry>& entries) {
  std::printf(
      "#compdef spikard\n_spikard() {\n  local word path_= ; local -a list\n  for word in \"${(@)words[2,CURRENT-1]}\"; do\n"
      "    [[ $word == -* ]] && continue\n    case \"${path_:+$path_ }$word\" in\n");
  for (const Entry& entry : entries) {
    if (!entry.path.empty()) std::printf("      '%s') path_='%s' ;;\n", entry.path.c_str(), entry.path.c_str());
  }
  std::printf("    esac\n  done\n  case \"$path_\" in\n");
  for (const Entry& entry : entries) {
    std::printf("    '%s') list=(", entry.path.c_str());
    for (const auto& [word, doc] : entry.words) std::printf("'%s:%s' ", word.c_str(), doc.c_str());
    std::printf(") ;;\n");
  }
  std::printf("  esac\n  _describe 'spikard' list || _files\n}\ncompdef _spikard spikard\n");
}

void fish(const std::vector<Entry>& entries) {
  std::printf(
      "function __spikard_path\n  set -l path\n  for word in (commandline -opc)[2..-1]\n"
      "    string match -q -- '-*' $word; and continue\n    switch \"$path $word\"\n");
  for (const Entry& entry : entries) {
    if (entry.path.empty()) continue;
    std::printf("      case '%s%s'\n        set path '%s'\n", entry.path.find(' ') == std::string::npos ? " " : "",
                entry.path.c_str(), entry.path.c_str());
  }
  std::printf("    end\n  end\n  echo \"$path\"\nend\n");
  for (const Entry& entry : entries) {
    for (const auto& [word, doc] : entry.words) {
      const bool option = word.starts_with("--");
      std::printf("complete -c spikard -n 'test (__spikard_path) = \"%s\"' %s %s -d '%s'\n", entry.path.c_str(),
                  option ? "-l" : "-a", option ? word.substr(2).c_str() : word.c_str(), doc.c_str());
    }
  }
}

}  // namespace

void add_completions(CLI::App& root, std::vector<Command>& commands) {
  CLI::App* command = root.add_subcommand("completions", "Print the completion script of a shell");
  auto shell = std::make_shared<std::string>();
  command->add_option("shell", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  commands.push_back({command, [&root, shell] {
                        std::vector<Entry> entries;
                        collect(root, "", entries);
                        if (*shell == "bash") bash(entries);
                        else if (*shell == "zsh") zsh(entries);
                        else fish(entries);
                        return 0;
                      }});
}

}  // namespace spikard::cli
