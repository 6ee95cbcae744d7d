package bench;

import java.io.IOException;

/** What one job takes from an event, and does with a profile. */
interface Job {
  int EVENT_NAME = 126;
  int DERIVED_TSTAMP = 124;
  int DOMAIN_USERID = 15;
  int PAGE_URL = 29;
  int CONTEXTS = 52;
  int UNSTRUCT_EVENT = 58;

  /** What the event adds to its profile; null if it does not match. */
  byte[] contribution(String[] columns) throws IOException;

  /** The profile after a contribution. {@code before} is null for a new profile. */
  Outcome apply(byte[] before, byte[] contribution);

  /** The name of the rule. */
  String rule();

  /** A profile, and whether the rule is met now and was not met before. */
  record Outcome(byte[] profile, boolean fired) {}

  static Job named(String letter) {
    return switch (letter) {
      case "a" -> new WeekOfViews();
      case "b" -> new ShopTutorial();
      default -> throw new IllegalArgumentException("no job " + letter);
    };
  }
}
