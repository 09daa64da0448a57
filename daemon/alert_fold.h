#pragma once

// What is told in one alert instead of many: decided anew at each delivery, from what is committed
// alone. In doubt a person is told about on their own.
//
//   AlertFold fold(situation);
//   for (incident, person) fold.Look(incident, person);
//   fold.Decide();
//   ... fold.Holds(incident.id), fold.CrowdOf(cause)

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "monitor/causes.h"

namespace driftwarden::daemon {

// Whom one alert stands for.
struct AlertCrowd {
  uint64_t people = 0;
  monitor::Severity worst = monitor::Severity::kInfo;
  std::map<monitor::Severity, std::vector<std::string>> names;  // kNamedPeople each at most
};
constexpr size_t kNamedPeople = 20;

class AlertFold {
 public:
  // What `situation` refers to must outlive it.
  explicit AlertFold(const monitor::LinkSituation& situation) : situation_(situation) {}

  // False: nothing is folded, whoever there is.
  bool MayFold() const;
  void Look(const monitor::Incident& incident, const monitor::Person& person);
  // After the last Look().
  void Decide();

  bool Holds(const monitor::IncidentId& incident) const { return held_.contains(incident); }
  // Held, and told of as part of a count alone: what was announced of the person before is over.
  bool Counts(const monitor::IncidentId& incident) const { return counted_.contains(incident); }
  // Whom a counted cause is about, whoever is held.
  void Name(const monitor::LinkCause& cause, AlertCrowd crowd);
  const AlertCrowd& CrowdOf(const monitor::LinkCause& cause) const;
  // Systemic causes always; a collapsed one only where it stands for enough people.
  bool Fires(const monitor::LinkCause& cause) const;

 private:
  struct Candidates {
    std::vector<monitor::IncidentId> incidents;
    AlertCrowd crowd;
  };

  const monitor::LinkSituation situation_;
  std::set<monitor::IncidentId> held_;
  std::set<monitor::IncidentId> counted_;
  std::map<uint64_t, AlertCrowd> crowds_;      // by the cause's number
  std::map<uint64_t, Candidates> candidates_;  // of collapsed causes
};

}  // namespace driftwarden::daemon
