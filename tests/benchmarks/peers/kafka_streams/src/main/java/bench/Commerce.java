package bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;

/** The two JSON columns of an ecommerce action. */
final class Commerce {
  static final String ACTION = "snowplow_ecommerce_action";
  private static final String PRODUCT =
      "iglu:com.snowplowanalytics.snowplow.ecommerce/product/jsonschema/1-";
  private static final ObjectMapper JSON = new ObjectMapper();

  private Commerce() {}

  /** The {@code type} of the action. */
  static String type(String[] columns) throws IOException {
    JsonNode event = JSON.readTree(columns[Job.UNSTRUCT_EVENT]);
    return event.path("data").path("data").path("type").asText();
  }

  /** The price of the first product; 0 if there is none. */
  static double price(String[] columns) throws IOException {
    for (JsonNode entity : JSON.readTree(columns[Job.CONTEXTS]).path("data")) {
      if (entity.path("schema").asText().startsWith(PRODUCT)) {
        return entity.path("data").path("price").asDouble();
      }
    }
    return 0;
  }
}
