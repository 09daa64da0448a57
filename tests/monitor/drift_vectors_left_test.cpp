// The vectors of what is about no departure, or is left of one.

#include "tests/monitor/drift_vectors.h"

namespace driftwarden::monitor {
namespace {

// Out of Entra by our own application's hand, and enabled in AD.
World LockedOut(bool tier0, const std::string& application) {
  World world = OnePerson(tier0);
  world.policy.own_app_id = "aaaaaaaa-0000-4000-8000-000000000001";
  Leave(world);
  world.Advance(2 * kMinute);
  SetCloud(world, false);
  const TimeBounds looks = world.person(1).facts.entra->disabled_since;
  Audit(world, AccountChange::kDisabled, looks.lo + looks.Width() / 2, "", application);
  world.SetAd(1, true);
  world.AdRound({1});
  world.Advance(kMinute);
  return world;
}

OPENS(LockedOutByUs, kWarning, EnabledInADAndOurDisableStands) {
  return OpenAs(LockedOut(false, "aaaaaaaa-0000-4000-8000-000000000001"), kind);
}
OPENS(LockedOutByUs, kCritical, ForAWholeCycle) {
  World world = LockedOut(false, "aaaaaaaa-0000-4000-8000-000000000001");
  world.Advance(absl::Minutes(31), kMinute);
  return OpenAs(world, kind);
}
OPENS_TIER0(LockedOutByUs, kCritical, AtOnce) {
  return OpenAs(LockedOut(true, "aaaaaaaa-0000-4000-8000-000000000001"), kind);
}
STAYS_SHUT(LockedOutByUs, SomebodyElseDidIt) {
  return OpenAs(LockedOut(false, "bbbbbbbb-0000-4000-8000-000000000002"), kind);
}
STAYS_SHUT(LockedOutByUs, TheAccountIsEnabledAgain) {
  World world = LockedOut(false, "aaaaaaaa-0000-4000-8000-000000000001");
  SetCloud(world, true);
  return OpenAs(world, kind);
}

void ResetPassword(World& world) {
  AdView& ad = world.ad(1);
  ad.password_set = world.now;
  ad.password_stamp = MetadataStamp{ad.password_stamp ? ad.password_stamp->version + 1 : 5,
                                    world.now, ad.uac_stamp->invocation_id, 77};
  world.AdRound({1});
  world.Advance(3 * kMinute);
}

World Reset(int times, bool tier0, bool looked_for = true) {
  World world = OnePerson(tier0);
  world.policy.reset_without_revoke = looked_for;
  world.ad(1).password_set = world.now - absl::Hours(240);
  world.AdRound({1});
  for (int i = 0; i < times; ++i) ResetPassword(world);
  return world;
}

OPENS(ResetWithoutRevoke, kInfo, TwiceWithinTenMinutes) {
  return OpenAs(Reset(2, false), kind);
}
OPENS_TIER0(ResetWithoutRevoke, kWarning, TwiceWithinTenMinutes) {
  return OpenAs(Reset(2, true), kind);
}
STAYS_SHUT(ResetWithoutRevoke, OnceIsAForgottenPassword) {
  return OpenAs(Reset(1, true), kind);
}
STAYS_SHUT(ResetWithoutRevoke, NotLookedForByDefault) {
  return OpenAs(Reset(2, true, false), kind);
}
STAYS_SHUT(ResetWithoutRevoke, RevokedSince) {
  World world = Reset(2, true);
  Audit(world, AccountChange::kSessionsRevoked, world.now, "an-administrator");
  return OpenAs(world, kind);
}

STAYS_SHUT(ResetWithoutRevoke, OnceBeforeAMoveToADomainThatCountsVersionsAnew) {
  World world = Reset(0, true);
  ResetPassword(world);
  world.Advance(absl::Minutes(30), kMinute);
  AdView moved = world.ad(1);
  moved.sid = Sid::Parse("S-1-5-21-7-8-9-2001");
  moved.uac_stamp = MetadataStamp{1, world.now, World::Ad(998).object_guid, 3};
  moved.password_set = world.now;
  moved.password_stamp = moved.uac_stamp;
  const SourceName emea("emea");
  world.policy.ad_sources.push_back(emea);
  world.link.sources[emea] = world.link.sources.at(kAd);
  world.ApplyDirect({{{emea, TimeBounds::Exactly(world.now), LookKind::kFeed}, moved}});
  world.ad(1) = moved;
  EXPECT_EQ(world.EvidenceOf("ad_moved_domain"), 1u);
  world.ReviewDue();
  return OpenAs(world, kind);
}

void ReadDevices(World& world, DeviceTrust trust, bool enabled) {
  DeviceLook look;
  look.source = kTenant;
  look.entra_id = World::Entra(1).id;
  look.at = TimeBounds::Exactly(world.now);
  Device device;
  device.id = "device-1";
  device.trust = trust;
  device.enabled = enabled;
  device.owned = true;
  look.devices = {device};
  TouchedKeys keys;
  keys.entra_ids = {look.entra_id};
  world.Commit(ApplyDevices(world.context(), world.Load(keys), look));
  world.Advance(kMinute);
}

World LeftDevice(bool tier0, DeviceTrust trust) {
  World world = OnePerson(tier0);
  world.policy.require_revocation = false;
  Leave(world);
  world.Advance(2 * kMinute);
  ReadDevices(world, trust, true);
  SetCloud(world, false);
  world.Advance(kMinute);
  return world;
}

OPENS(DeviceEnabled, kInfo, OnceTheDepartureIsOver) {
  return OpenAs(LeftDevice(false, DeviceTrust::kEntraJoined), kind);
}
OPENS_TIER0(DeviceEnabled, kInfo, OnceTheDepartureIsOver) {
  return OpenAs(LeftDevice(true, DeviceTrust::kRegistered), kind);
}
STAYS_SHUT(DeviceEnabled, ADDecidesOnHybridOnes) {
  return OpenAs(LeftDevice(false, DeviceTrust::kHybrid), kind);
}
STAYS_SHUT(DeviceEnabled, ALaterReadingShowsNone) {
  World world = LeftDevice(false, DeviceTrust::kEntraJoined);
  ReadDevices(world, DeviceTrust::kEntraJoined, false);
  return OpenAs(world, kind);
}

}  // namespace
}  // namespace driftwarden::monitor
