#include <map>

#include "daemon/config_sections.h"

namespace driftwarden::daemon {
namespace {

using monitor::ClassMatch;
using monitor::PersonClass;

// What is read for a class is kept: never these.
bool IsSecret(const std::string& lower_name) {
  static const std::set<std::string> kSecrets = {"unicodepwd",       "userpassword",
                                                 "dbcspwd",          "ntpwdhistory",
                                                 "lmpwdhistory",     "supplementalcredentials",
                                                 "ms-mcs-admpwd",    "msds-managedpassword",
                                                 "unixuserpassword", "msds-keycredentiallink"};
  return kSecrets.contains(lower_name) || lower_name.starts_with("mslaps-");
}

bool IsAttributeName(const std::string& lower_name) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789-";
  return !lower_name.empty() && lower_name.size() <= 64 && lower_name[0] >= 'a' &&
         lower_name[0] <= 'z' && lower_name.find_first_not_of(kAllowed) == std::string::npos;
}

void ReadAttributes(MapReader& section, ClassMatch* match) {
  const auto value = section.Take("attribute");
  if (!value) return;
  if (!value->IsMap()) {
    section.Wrong("attribute", *value, "a mapping of attribute names to values");
    return;
  }
  for (const auto& entry : *value) {
    const std::string name = entry.first.IsScalar() ? ToLowerAscii(entry.first.Scalar()) : "";
    const std::string wanted = entry.second.IsScalar() ? entry.second.Scalar() : "";
    if (!IsAttributeName(name) || wanted.empty()) {
      section.faults().Add(entry.first.Mark(),
                           Cat(section.Path("attribute"),
                               " takes the name of an AD attribute and the value that is meant, "
                               "such as employeeType: service"));
    } else if (IsSecret(name)) {
      section.faults().Add(entry.first.Mark(), Cat(section.Path("attribute"), ": ", name,
                                                   " holds secrets and is never read"));
    } else {
      match->attribute[name] = wanted;
    }
  }
}

// One "attribute=value".
bool IsRdn(std::string_view text) {
  constexpr std::string_view kName =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) return false;
  const std::string_view name = TrimAscii(text.substr(0, equals));
  return !name.empty() && name.find_first_not_of(kName) == std::string_view::npos &&
         !TrimAscii(text.substr(equals + 1)).empty();
}

// As NormalDn reads it: parts between commas that no backslash stands before.
bool IsDn(std::string_view text) {
  size_t begin = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == ',') {
      if (!IsRdn(text.substr(begin, i - begin))) return false;
      begin = i + 1;
    }
  }
  return IsRdn(text.substr(begin));
}

}  // namespace

void ReadOus(MapReader& section, std::vector<std::string>* out) {
  section.Each("ous", [&](const YAML::Node& item) {
    if (item.IsScalar() && IsDn(item.Scalar())) {
      out->push_back(item.Scalar());
    } else {
      section.Wrong("ous", item, "the DN of an OU, such as OU=Staff,DC=corp,DC=example");
    }
  });
}

void ReadClasses(MapReader section, std::map<PersonClass, ClassMatch>* classes) {
  std::map<PersonClass, ClassMatch> read;
  for (const PersonClass person_class : monitor::kAllPersonClasses) {
    const std::string name(monitor::PersonClassText(person_class));
    MapReader entry = section.Map(name);
    ClassMatch match;
    entry.Texts("upns", &match.upns);
    ReadOus(entry, &match.ous);
    ReadAttributes(entry, &match);
    entry.Finish();
    if (!(match == ClassMatch())) read[person_class] = std::move(match);
  }
  section.Finish();
  // A link's own classes replace the policy's as a whole.
  if (section.node().IsMap()) *classes = std::move(read);
}

}  // namespace driftwarden::daemon
