#include "watchers/ad_options.h"

#include "base/strings.h"

namespace driftwarden::watchers {

bool AdSourceOptions::UsesConsistencyGuid() const {
  return !source_anchor.empty() && EqualsIgnoreCase(source_anchor.front(), "mS-DS-ConsistencyGuid");
}

directory::ObserveOptions AdSourceOptions::Observing() const {
  directory::ObserveOptions options;
  options.use_consistency_guid = UsesConsistencyGuid();
  options.kept_attributes = kept_attributes;
  options.scope = scope;
  options.groups = groups;
  options.xml_metadata = sight != nullptr && sight->asks_for_xml();
  return options;
}

}  // namespace driftwarden::watchers
