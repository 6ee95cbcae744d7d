package bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.time.ZoneOffset;

/**
 * Job (a): page views, product views, the sum of their prices and the last URL of seven days, kept
 * by the hour; the rule is met from the fifth page view on.
 *
 * <p>Contribution: kind (1 byte), time in ms, price, URL. Profile: time of the last page view, number
 * of hours, then hour, page views, product views and sum of each, then the URL.
 */
final class WeekOfViews implements Job {
  private static final long HOUR_MS = 3_600_000;
  private static final long HOURS_KEPT = 7 * 24;
  private static final int VIEWS_WANTED = 5;
  private static final byte PAGE_VIEW = 0;
  private static final byte PRODUCT_VIEW = 1;
  private static final int HEAD_BYTES = Long.BYTES + Integer.BYTES;
  private static final int HOUR_BYTES = Long.BYTES + 2 * Integer.BYTES + Double.BYTES;
  private static final byte[] NOTHING = ByteBuffer.allocate(HEAD_BYTES).array();

  @Override
  public byte[] contribution(String[] columns) throws IOException {
    String name = columns[EVENT_NAME];
    if (name.equals("page_view")) {
      return encoded(PAGE_VIEW, columns, 0, columns[PAGE_URL]);
    }
    if (name.equals(Commerce.ACTION) && Commerce.type(columns).equals("product_view")) {
      return encoded(PRODUCT_VIEW, columns, Commerce.price(columns), "");
    }
    return null;
  }

  private static byte[] encoded(byte kind, String[] columns, double price, String url) {
    LocalDateTime time = LocalDateTime.parse(columns[DERIVED_TSTAMP].replace(' ', 'T'));
    byte[] text = url.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(1 + Long.BYTES + Double.BYTES + text.length)
        .put(kind)
        .putLong(time.toInstant(ZoneOffset.UTC).toEpochMilli())
        .putDouble(price)
        .put(text)
        .array();
  }

  @Override
  public Outcome apply(byte[] before, byte[] contribution) {
    ByteBuffer given = ByteBuffer.wrap(contribution);
    boolean view = given.get() == PAGE_VIEW;
    long timeMs = given.getLong();
    double price = given.getDouble();
    long hour = timeMs / HOUR_MS;

    ByteBuffer old = ByteBuffer.wrap(before == null ? NOTHING : before);
    long lastMs = old.getLong();
    int hours = old.getInt();
    boolean newest = view && timeMs >= lastMs;
    int urlBytes = newest ? given.remaining() : old.remaining() - hours * HOUR_BYTES;
    ByteBuffer made = ByteBuffer.allocate(HEAD_BYTES + (hours + 1) * HOUR_BYTES + urlBytes);
    made.putLong(newest ? timeMs : lastMs).putInt(0);

    int kept = 0;
    int views = 0;
    boolean found = false;
    for (int i = 0; i < hours; i++) {
      long start = old.getLong();
      int pageViews = old.getInt();
      int productViews = old.getInt();
      double sum = old.getDouble();
      if (start <= hour - HOURS_KEPT) {
        continue;
      }
      views += pageViews;
      kept++;
      if (start == hour) {
        found = true;
        pageViews += view ? 1 : 0;
        productViews += view ? 0 : 1;
        sum += price;
      }
      made.putLong(start).putInt(pageViews).putInt(productViews).putDouble(sum);
    }
    if (!found) {
      kept++;
      made.putLong(hour).putInt(view ? 1 : 0).putInt(view ? 0 : 1).putDouble(price);
    }
    made.putInt(Long.BYTES, kept).put(newest ? given : old);
    byte[] profile = new byte[made.position()];
    made.flip().get(profile);
    return new Outcome(profile, view && views + 1 == VIEWS_WANTED);
  }

  @Override
  public String rule() {
    return "five_views";
  }
}
