#include "simulator/directory.h"

#include <algorithm>

#include "base/strings.h"
#include "simulator/guid.h"

namespace driftwarden::simulator {
namespace {

constexpr int64_t kFirstUsn = 12290;
constexpr absl::Duration kAge = absl::Hours(24 * 400);     // of everybody's object
constexpr absl::Duration kLeftAge = absl::Hours(24 * 90);  // of a departure before the start

}  // namespace

absl::Time ExpiryOf(int64_t account_expires) {
  const bool never = account_expires == 0 || account_expires == kNeverExpires;
  return never ? absl::InfiniteFuture() : FromFileTime(account_expires);
}

Directory::Directory(size_t forest, const People& people, DirectoryOptions options, Truth& truth,
                     std::function<void(absl::Time)> advance)
    : forest_(forest),
      people_(people),
      options_(std::move(options)),
      truth_(truth),
      advance_(std::move(advance)),
      base_usn_(kFirstUsn + static_cast<int64_t>(people.count())) {
  const uint64_t seed = people.options().seed;
  dc_.dns_name = Cat(options_.dc_name, '.', people.options().domain);
  dc_.dsa_guid = GuidFrom(seed ^ 0xd5a, 1);
  dc_.invocation_id = GuidFrom(seed ^ 0x1f0, 1);
  dc_.highest_usn = base_usn_;
  dc_.clock_offset = options_.clock_offset;
}

StatusOr<uint64_t> Directory::Find(std::string_view sam) const {
  const auto person = people_.BySam(sam);
  if (!person) return NotFoundError(Cat("nobody is called ", Printable(sam, 64)));
  return *person;
}

Status Directory::Disable(std::string_view sam, absl::Time now) {
  DW_ASSIGN_OR_RETURN(const uint64_t person, Find(sam));
  return SetUserAccountControl(person, Read(person).uac | kUacDisabled, now);
}

Status Directory::Enable(std::string_view sam, absl::Time now) {
  DW_ASSIGN_OR_RETURN(const uint64_t person, Find(sam));
  return SetUserAccountControl(person, Read(person).uac & ~kUacDisabled, now);
}

Status Directory::Delete(std::string_view sam, absl::Time now) {
  DW_ASSIGN_OR_RETURN(const uint64_t person, Find(sam));
  return DeletePerson(person, now);
}

Status Directory::Expire(std::string_view sam, absl::Time at, absl::Time now) {
  DW_ASSIGN_OR_RETURN(const uint64_t person, Find(sam));
  const int64_t value = at == absl::InfiniteFuture() ? kNeverExpires : ToFileTime(at);
  return SetAccountExpires(person, value, now);
}

Status Directory::Describe(std::string_view sam, std::string_view text, absl::Time now) {
  DW_ASSIGN_OR_RETURN(const uint64_t person, Find(sam));
  return SetDescription(person, text, now);
}

Directory::State Directory::BaseState(uint64_t person) const {
  State state;
  const bool left = people_.LeftBefore(person);
  state.uac = kUacNormal | (left ? kUacDisabled : 0);
  state.usn_changed = kFirstUsn + static_cast<int64_t>(person);
  const absl::Time created = options_.start - kAge;
  state.when_changed = left ? options_.start - kLeftAge : created;
  Stamp stamp{1, created, GuidFrom(people_.options().seed ^ 0x1f0, 1), state.usn_changed,
              state.usn_changed};
  for (const uint32_t attribute : {kAttPwdLastSet, kAttAccountExpires, kAttSamAccountName}) {
    state.stamps[attribute] = stamp;
  }
  // An account is created disabled and enabled by a second write.
  stamp.version = 1 + options_.uac_version_step * (left ? 2 : 1);
  stamp.originating_time = state.when_changed;
  state.stamps[kAttUserAccountControl] = stamp;
  return state;
}

StatusOr<Directory::State*> Directory::Writable(uint64_t person) {
  if (person >= people_.count()) return NotFoundError(Cat("there is no person ", person));
  auto it = changed_.find(person);
  if (it == changed_.end()) {
    it = changed_.emplace(person, BaseState(person)).first;
    by_usn_[it->second.usn_changed] = person;  // Page() asks here for whoever is in changed_
  }
  if (it->second.deleted) return NotFoundError(Cat(people_.SamOf(person), " is deleted"));
  return &it->second;
}

void Directory::Commit(uint64_t person, State& state, std::initializer_list<uint32_t> attributes,
                       AdChangeKind kind, absl::Time now) {
  by_usn_.erase(state.usn_changed);
  state.usn_changed = ++dc_.highest_usn;
  state.when_changed = DcTime(now);
  by_usn_[state.usn_changed] = person;
  for (const uint32_t attribute : attributes) {
    Stamp& stamp = state.stamps[attribute];
    stamp.version += attribute == kAttUserAccountControl ? options_.uac_version_step : 1;
    stamp.originating_time = DcTime(now);
    stamp.invocation_id = dc_.invocation_id;
    stamp.originating_usn = state.usn_changed;
    stamp.local_usn = state.usn_changed;
  }
  truth_.ad_changes.push_back(
      {now, forest_, person, kind, state.usn_changed, state.account_expires});
  if (told_) told_(person);
}

Status Directory::SetUserAccountControl(uint64_t person, uint32_t uac, absl::Time now) {
  advance_(now);
  DW_ASSIGN_OR_RETURN(State* const state, Writable(person));
  if (state->uac == uac) return OkStatus();
  AdChangeKind kind = AdChangeKind::kEdited;
  if (((state->uac ^ uac) & kUacDisabled) != 0) {
    kind = (uac & kUacDisabled) != 0 ? AdChangeKind::kDisabled : AdChangeKind::kEnabled;
  }
  state->uac = uac;
  Commit(person, *state, {kAttUserAccountControl}, kind, now);
  return OkStatus();
}

Status Directory::SetAccountExpires(uint64_t person, int64_t file_time, absl::Time now) {
  advance_(now);
  DW_ASSIGN_OR_RETURN(State* const state, Writable(person));
  if (state->account_expires == file_time) return OkStatus();
  state->account_expires = file_time;
  Commit(person, *state, {kAttAccountExpires}, AdChangeKind::kExpirySet, now);
  return OkStatus();
}

Status Directory::SetDescription(uint64_t person, std::string_view text, absl::Time now) {
  advance_(now);
  DW_ASSIGN_OR_RETURN(State* const state, Writable(person));
  if (state->description == text) return OkStatus();
  state->description = std::string(text);
  Commit(person, *state, {kAttDescription}, AdChangeKind::kEdited, now);
  return OkStatus();
}

Status Directory::DeletePerson(uint64_t person, absl::Time now) {
  advance_(now);
  DW_ASSIGN_OR_RETURN(State* const state, Writable(person));
  state->deleted = true;
  // userAccountControl survives with its stamp; the rest of a person is stripped.
  state->description.clear();
  state->account_expires = kNeverExpires;
  Commit(person, *state, {kAttIsDeleted, kAttLastKnownParent, kAttIsRecycled},
         AdChangeKind::kDeleted, now);
  return OkStatus();
}

void Directory::ChangeInvocationId(absl::Time now) {
  advance_(now);
  dc_.invocation_id =
      GuidFrom(people_.options().seed ^ 0x1f0, static_cast<uint64_t>(absl::ToUnixMicros(now)));
}

AdUser Directory::Read(uint64_t person) const {
  AdUser user;
  user.person = people_.At(person);
  const auto it = changed_.find(person);
  const State state = it == changed_.end() ? BaseState(person) : it->second;
  user.dn = state.deleted
                ? Cat("CN=", user.person.cn, "\\0ADEL:", GuidText(user.person.object_guid),
                      ",CN=Deleted Objects,", people_.base_dn())
                : user.person.dn;
  user.uac = state.uac;
  user.account_expires = state.account_expires;
  user.description = state.description;
  user.deleted = state.deleted;
  user.usn_created = kFirstUsn + static_cast<int64_t>(person);
  user.usn_changed = state.usn_changed;
  user.when_created = options_.start - kAge;
  user.when_changed = state.when_changed;
  user.stamps = state.stamps;
  return user;
}

bool Directory::IsEnabled(uint64_t person) const {
  const auto it = changed_.find(person);
  if (it == changed_.end()) return !people_.LeftBefore(person);
  return !it->second.deleted && (it->second.uac & kUacDisabled) == 0;
}

bool Directory::IsDeleted(uint64_t person) const {
  const auto it = changed_.find(person);
  return it != changed_.end() && it->second.deleted;
}

bool Directory::HasExpired(uint64_t person, absl::Time now) const {
  const auto it = changed_.find(person);
  if (it == changed_.end() || it->second.account_expires == 0) return false;
  return it->second.account_expires <= ToFileTime(DcTime(now));
}

std::vector<uint64_t> Directory::Page(UsnRange range, AdCursor& cursor, size_t limit) const {
  std::vector<uint64_t> found;
  if (cursor.done) return found;
  if (!cursor.in_changed) {
    const int64_t last = std::clamp<int64_t>(range.hi, 0, base_usn_ - 1) - kFirstUsn;
    if (range.lo > kFirstUsn) {
      cursor.index = std::max(cursor.index, static_cast<uint64_t>(range.lo - kFirstUsn));
    }
    while (static_cast<int64_t>(cursor.index) <= last && found.size() < limit) {
      if (!changed_.contains(cursor.index)) found.push_back(cursor.index);
      ++cursor.index;
    }
    if (static_cast<int64_t>(cursor.index) <= last) return found;
    cursor.in_changed = true;
    cursor.usn = range.lo;
  }
  auto it = by_usn_.lower_bound(cursor.usn);
  for (; it != by_usn_.end() && it->first <= range.hi && found.size() < limit; ++it) {
    found.push_back(it->second);
    cursor.usn = it->first + 1;
  }
  cursor.done = it == by_usn_.end() || it->first > range.hi;
  return found;
}

std::vector<uint64_t> Directory::ChangedSince(int64_t usn) const {
  std::vector<uint64_t> people;
  for (auto it = by_usn_.upper_bound(usn); it != by_usn_.end(); ++it) people.push_back(it->second);
  return people;
}

}  // namespace driftwarden::simulator
