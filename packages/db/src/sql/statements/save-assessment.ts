import { statement } from "../statement.ts";

export const saveAssessment = statement(
  "save-assessment",
  `INSERT INTO ip_assessment (id, address, node_id, country, region, city, latitude, longitude, asn, asn_name, connection_type, verdict, score, reasons, data_version)
   VALUES ($1, $2::inet, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14::jsonb, $15)`,
);
