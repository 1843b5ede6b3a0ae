"""How a trial is told: verdicts, evidence, pictures, the Allure report and the summaries."""
